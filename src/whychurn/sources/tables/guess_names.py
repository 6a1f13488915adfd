"""What companies call the tables and columns of the contract, best known names first."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from whychurn.sources.canon import TABLES
from whychurn.sources.names import tokens

#: Words in the name of a file that say which table it is, in the singular.
TABLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "accounts": ("account", "customer", "client", "company", "organisation", "organization", "org", "tenant",
                 "workspace", "kunde", "kunden", "kundenstamm", "firma", "firmen", "mandant", "mandanten", "crm",
                 "user",
                 "member", "subscriber"),
    "subscriptions": ("subscription", "contract", "billing", "sub", "license", "licence", "agreement", "vertrag",
                      "vertraege", "abo", "abonnement", "abonnements", "lizenz", "lizenzen", "plan"),
    "usage": ("usage", "event", "activity", "log", "action", "login", "session", "telemetry", "tracking",
              "clickstream", "nutzung", "aktivitaet", "aktivitaeten", "ereignis", "ereignisse", "protokoll"),
    "tickets": ("ticket", "case", "support", "issue", "helpdesk", "anfrage", "anfragen", "supportanfragen", "stoerung",
                "stoerungen"),
    "surveys": ("survey", "nps", "feedback", "response", "umfrage", "umfragen", "befragung", "befragungen"),
    "payments": ("payment", "invoice", "charge", "dunning", "transaction", "zahlung", "zahlungen", "rechnung",
                 "rechnungen"),
    "interactions": ("interaction", "touch", "touche", "touchpoint", "call", "meeting", "mail", "email", "engagement",
                     "communication", "kontakt", "kontakte", "gespraech", "gespraeche"),
    "interventions": ("intervention", "playbook", "play", "outreach", "save"),
    "events": ("event", "incident", "news", "outage", "milestone", "vorfall", "vorfaelle", "ereignis", "ereignisse"),
    "costs": ("cost", "expense", "cac", "kosten"),
}  # fmt: skip

_WHEN = (
    "timestamp", "event_time", "occurred_at", "created_at", "event_at", "date", "time", "day", "ts", "datetime",
    "event_date", "event_timestamp", "logged_at", "happened_at", "activity_date", "usage_date", "used_at", "created",
    "recorded_at", "login_at", "created_on", "when", "date_time", "happened_on", "occurred_on",
    "zeitpunkt", "zeitstempel", "datum", "zeit", "uhrzeit", "tag",
)  # fmt: skip
_CUSTOMER = (
    "account", "customer_id", "customer", "client_id", "client", "company_id", "company", "org_id", "org",
    "organization_id", "organisation_id", "organization", "organisation", "tenant_id", "tenant", "workspace_id",
    "workspace", "cust_id", "cust", "acct_id", "acct", "account_no", "account_number", "account_key", "customer_no",
    "customer_number", "customer_key", "client_no", "kunden_id", "kundennr", "kundennummer", "kunde", "kunden_nr",
    "kunden_nummer", "mandant", "mandanten_id", "firma", "firmen_id", "konto", "konto_id", "subscriber_id", "member_id",
    "crm_id",
)  # fmt: skip
_MANAGER = ("csm_name", "customer_success_manager", "account_manager", "success_manager", "account_owner", "owner")

#: Canonical column (of a table, or of all) -> other names for it.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "account_id": _CUSTOMER,
    "accounts.account_id": (*_CUSTOMER, "id", "user_id", "uuid", "key"),
    "at": _WHEN,
    "user_id": (
        "user", "uid", "person_id", "person", "employee_id", "employee", "actor_id", "actor", "contact_id", "username",
        "user_name", "user_email", "email", "member_id", "benutzer", "benutzer_id", "benutzername", "nutzer",
        "nutzer_id",
        "anwender", "anwender_id", "mitarbeiter", "person_nr",
    ),
    "accounts.started_on": (
        "signup_date", "sign_up_date", "signed_up", "signed_up_at", "signup", "signup_at", "signed_up_on",
        "customer_since", "joined_on", "joined_at", "join_date", "joined", "start_date", "started_at", "started",
        "start", "created_at", "created_on", "created", "create_date", "creation_date", "date_created", "registered_at",
        "registered_on", "registration_date", "onboarded_at", "onboarded_on", "since", "begin_date", "begin",
        "activated_at", "kunde_seit", "seit", "registriert_am", "angelegt_am", "beginn", "startdatum", "eintritt",
    ),
    "industry": ("sector", "vertical", "branch", "branche", "industry_name", "industry_sector"),
    "employees": (
        "employee_count", "n_employees", "headcount", "number_of_employees", "num_employees", "staff", "company_size",
        "mitarbeiter", "mitarbeiterzahl", "anzahl_mitarbeiter",
    ),
    "size_band": ("size", "segment", "company_size", "size_class", "size_segment", "employee_band", "employee_range",
                  "groesse", "groessenklasse"),
    "region": ("country", "territory", "geo", "geography", "market", "state", "country_code", "location",
               "land", "bundesland", "standort"),
    "channel": (
        "acquisition_channel", "signup_channel", "marketing_channel", "sales_channel", "lead_source", "source",
        "acquisition_source", "referral_source", "utm_source", "kanal", "vertriebskanal", "quelle",
    ),
    "csm": _MANAGER,
    "parent_account_id": ("parent_id", "parent", "parent_account", "parent_customer_id", "parent_company", "group_id"),
    "churned": ("churn", "is_churned", "has_churned", "churn_flag", "attrition"),
    "plan": (
        "plan_name", "plan_type", "edition", "package", "product", "tariff", "subscription_plan", "product_name",
        "subscription_type", "subscription_tier", "tier", "sku", "plan_id", "tarif", "paket", "produkt",
    ),
    "subscription_id": (
        "subscription", "sub_id", "sub", "contract_id", "contract", "contract_no", "contract_number",
        "subscription_no", "subscription_key", "agreement_id", "license_id", "licence_id", "billing_id", "vertrag",
        "vertrags_id",
        "vertrag_id", "vertragsnr", "vertrags_nr", "vertragsnummer", "abo", "abo_id", "abo_nr", "lizenz_id", "id",
        "uuid",
    ),
    "subscriptions.started_on": (
        "start_date", "started_at", "started", "start", "start_on", "begin_date", "begin", "begins_on", "date_start",
        "valid_from", "date_from", "from", "active_from", "activated_at", "activated_on", "activation_date",
        "effective_from", "first_day", "period_start", "created_at", "created_on", "created", "signup_date",
        "subscribed_at", "subscribed_on", "beginn", "vertragsbeginn", "startdatum", "abobeginn", "gueltig_von",
        "gueltig_ab",
        "von", "laufzeitbeginn",
    ),
    "ended_on": (
        "end_date", "ended_at", "ended", "end", "end_on", "ends_on", "date_end", "churn_date", "churned_at",
        "churned_on", "terminated", "terminated_at", "terminated_on", "termination_date", "valid_to", "valid_until",
        "date_to", "to", "until", "active_to", "active_until", "effective_to", "expired_at", "expired_on",
        "expires_at", "expires_on", "expiry_date", "expiration_date", "deactivated_at", "closed_at", "closed_on",
        "close_date", "period_end", "ende", "vertragsende", "enddatum", "aboende", "gueltig_bis", "bis", "laufzeitende",
        "austritt", "beendet_am",
    ),
    "mrr": (
        "monthly_recurring_revenue", "monthly_revenue", "amount_month", "monthly_amount", "amount_per_month",
        "amount_monthly", "monthly_fee", "monthly_price", "monthly_charge", "monthly_charges", "price_per_month",
        "price_monthly", "revenue_month", "monatlich", "monatsbetrag", "betrag_monatlich", "monatlicher_betrag",
        "betrag_monat",
        "betrag_pro_monat", "monatspreis", "preis_monatlich", "monatsgebuehr", "monatsumsatz", "fee", "price", "amount",
        "revenue", "betrag", "preis", "gebuehr", "umsatz",
    ),
    "seats": (
        "seat_count", "n_seats", "num_seats", "number_of_seats", "paid_seats", "licenses", "licences", "quantity",
        "qty", "users", "user_count", "n_users", "lizenzen", "anzahl_lizenzen", "plaetze", "anzahl_nutzer",
        "anzahl_benutzer",
    ),
    "term_months": (
        "term", "term_in_months", "term_length", "contract_months", "contract_length", "contract_term",
        "commitment_months", "duration_months", "months", "laufzeit", "laufzeit_monate", "laufzeit_in_monaten",
        "vertragslaufzeit",
    ),
    "renewal_on": (
        "renewal_date", "renewal", "renews_on", "renews_at", "next_renewal", "next_renewal_date", "renewal_at",
        "verlaengerung", "verlaengerung_am", "verlaengerungsdatum", "naechste_verlaengerung",
    ),
    "cancelled_on": (
        "cancel_date", "cancelled_at", "canceled_at", "canceled_on", "cancellation_date", "cancelled", "canceled",
        "notice_date", "notice_on", "notice_given", "notice_given_on", "cancelled_date", "cancellation_requested_at",
        "cancel_requested_at", "date_cancelled", "cancel_at", "cancelation_date",
        "gekuendigt_am", "gekuendigt", "kuendigung", "kuendigungsdatum", "kuendigung_am", "kuendigungseingang",
    ),
    "end_reason": (
        "churn_reason", "cancel_reason", "cancellation_reason", "cancelation_reason", "termination_reason",
        "leaving_reason", "reason_for_leaving", "exit_reason", "lost_reason", "reason", "reason_code", "churn_category",
        "reason_for_churn", "reason_for_cancellation", "churn_cause", "kuendigungsgrund", "grund_der_kuendigung",
        "abgangsgrund", "grund",
    ),
    "module": ("feature", "feature_name", "module_name", "product_module", "product_area", "product", "area", "screen",
               "page", "component", "section", "tool", "function", "app", "modul", "bereich", "funktion", "produkt"),
    "action": ("event", "event_name", "event_type", "action_type", "activity", "activity_type", "event_action",
               "operation", "verb", "what", "aktion", "ereignis", "vorgang", "aktivitaet", "taetigkeit", "type", "kind",
               "typ", "art"),
    "count": ("n", "n_events", "event_count", "num_events", "events", "times", "hits", "occurrences", "usage_count",
              "action_count", "quantity", "qty", "uses", "total", "anzahl", "menge"),
    "usage.value": ("amount", "volume", "business_volume", "total_value"),
    "ticket_id": ("ticket", "ticket_no", "ticket_number", "case_id", "case", "case_number", "case_no", "issue_id",
                  "request_id", "ticketnummer", "ticketnr", "anfrage_id", "id", "number"),
    "opened_at": ("opened", "opened_on", "open_date", "date_opened", "created_at", "created_on", "created",
                  "created_date", "creation_date", "date_created", "submitted_at", "submitted", "raised_at",
                  "reported_at", "received_at", "date", "timestamp", "open", "eroeffnet_am",
                  "eroeffnet", "erstellt_am", "erstellt", "gemeldet_am", "datum"),
    "closed_at": ("closed", "closed_on", "close_date", "closed_date", "date_closed", "resolved_at", "resolved_on",
                  "resolved", "resolution_date", "solved_at", "solved_on", "solved", "completed_at",
                  "geschlossen_am", "geschlossen", "geloest_am", "geloest", "erledigt_am"),
    "topic": ("category", "subject", "issue_type", "theme", "type", "ticket_type", "product_area", "area", "tag",
              "thema",
              "kategorie", "betreff"),
    "severity": ("priority", "urgency", "impact", "severity_level", "priority_level", "prioritaet", "dringlichkeit"),
    "csat": ("csat_score", "satisfaction", "satisfaction_score", "satisfaction_rating", "customer_satisfaction",
             "rating", "score", "zufriedenheit", "bewertung"),
    "csat_at": ("csat_date", "csat_on", "csat_timestamp", "rated_at", "rated_on", "rating_date", "satisfaction_at",
                "satisfaction_date"),
    "response_id": ("response", "survey_response_id", "answer_id", "feedback_id", "nps_id", "survey_id", "id"),
    "surveys.user_id": ("user", "uid", "respondent_id", "respondent", "contact_id", "contact", "person_id"),
    "invited_at": ("invited", "invited_on", "invitation_date", "sent_at", "sent_on", "sent", "sent_date", "send_date",
                   "survey_sent_at", "asked_at", "asked_on"),
    "answered_at": ("answered", "answered_on", "answer_date", "responded_at", "responded_on", "responded",
                    "response_date", "response_at", "submitted_at", "submitted_on", "submitted", "completed_at",
                    "survey_date", "feedback_date", "received_at", "date", "timestamp", "created_at", "created_on",
                    "beantwortet_am", "datum"),
    "surveys.score": ("nps", "nps_score", "likelihood", "recommend", "would_recommend", "rating", "answer",
                      "punkte", "bewertung"),
    "comment": ("comments", "verbatim", "feedback", "remarks", "remark", "note", "notes", "text", "answer_text",
                "kommentar", "bemerkung"),
    "assigned_on": ("assigned_at", "assigned", "assigned_date", "assignment_date", "date_assigned", "triggered_at",
                    "triggered_on", "launched_at", "launched_on", "created_at", "created_on", "started_at",
                    "started_on", "start_date", "opened_at", "date"),
    "play": ("playbook", "play_name", "playbook_name", "intervention", "intervention_type", "action", "campaign",
             "type", "kind"),
    "interventions.reason": ("trigger", "cause", "why", "risk_reason", "triggered_by"),
    "contacted_on": ("contacted_at", "contacted", "contact_date", "reached_on", "reached_at", "reached"),
    "outcome": ("result", "status", "resolution"),
    "interactions.at": (*_WHEN, "interaction_date", "contact_date", "call_date", "touch_date", "sent_at", "met_at"),
    "interactions.kind": ("type", "interaction_type", "touch_type", "contact_type", "activity_type", "channel",
                          "medium", "method", "activity"),
    "direction": ("in_out", "inbound_outbound", "initiated_by", "initiator"),
    "events.kind": ("type", "event", "event_type", "event_name", "event_kind", "incident_type", "name", "category",
                    "title", "what"),
    "due_on": ("due_date", "due_at", "due", "date_due", "payable_on", "billing_date", "billed_on", "invoice_date",
               "invoiced_on", "faellig_am", "faellig", "faelligkeit"),
    "payments.amount": ("amount_due", "invoice_amount", "total", "total_amount", "sum", "value", "gross", "net",
                        "betrag", "rechnungsbetrag", "summe"),
    "paid_on": ("paid_at", "paid_date", "date_paid", "payment_date", "settled_at", "settled_on", "paid",
                "bezahlt_am", "bezahlt"),
    "failed_on": ("failed_at", "failed_date", "failure_date", "declined_at", "declined_on", "charge_failed_at",
                  "failed"),
    "period": ("month", "cost_month", "period_start", "date", "cost_period"),
    "acquisition_cost": ("cac", "acquisition", "marketing_cost", "cost_of_acquisition"),
    "service_cost": ("cost_to_serve", "cost_of_service", "cogs", "support_cost", "hosting_cost"),
}  # fmt: skip

#: Words of the contract's columns that stand for a unit of money or the like, and say nothing about the part played.
UNITS_OF_MONEY = {"usd", "eur", "gbp", "chf", "dollars", "euros", "euro", "dollar"}
#: Umlauts are written out in the lists above.
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
EXACT, KNOWN, WITH_PREFIX, LEAST = 100.0, 80.0, 62.0, 50.0
NAME_SELF, NAME_HEAD, NAME_PART = 60.0, 50.0, 25.0


def plain(name: str) -> str:
    """Return a name with its umlauts written out, whether they are one letter or two."""
    return unicodedata.normalize("NFC", name).translate(UMLAUTS)


def column_names(table: str, column: str) -> tuple[str, ...]:
    """Return other names for a canonical column, the best known first."""
    return COLUMN_NAMES.get(f"{table}.{column}", COLUMN_NAMES.get(column, ()))


@lru_cache(maxsize=50_000)
def name_match(table: str, column: str, theirs: str) -> float:
    """Return how well a column's name fits a canonical column: 100 the same, about 80 a known synonym, 0 not at all.

    A word for the table in front ("ticket priority") or a currency behind ("price usd") is passed over.
    """
    words = tuple(word for word in tokens(plain(theirs)) if word not in UNITS_OF_MONEY)
    known = {_squashed(name): EXACT if not i else max(KNOWN - 0.5 * i, LEAST) for i, name in _numbered(table, column)}
    best = known.get("".join(words), 0.0)
    own = {word for words_of in (TABLE_WORDS[table], (table,)) for word in words_of} | {"customer", "account", "client"}
    if not best and len(words) > 1 and _singular(words[0]) in own:
        best = known.get("".join(words[1:]), 0.0) * WITH_PREFIX / 100
    return best


def file_match(table: str, name: str) -> float:
    """Return how well the name of a file (or of a table of a database) fits a table of the contract."""
    words = [_singular(word) for word in tokens(plain(PurePosixPath(name).stem))]
    words = [
        word for word in words if not word.isdigit() and word not in ("csv", "export", "table", "data", "dim", "fact")
    ]
    if not words:
        return 0.0
    if words in ([table.removesuffix("s")], [_singular(table)]):
        return NAME_SELF
    best = 0.0
    for position, word in enumerate(words):
        if word in TABLE_WORDS[table]:
            best = max(best, NAME_HEAD if position == len(words) - 1 else NAME_PART)
    return best


@lru_cache(maxsize=10_000)
def named_like_a_time(name: str) -> bool:
    """Whether a name is that of a date or time in any table: only then are whole numbers read as Unix times."""
    return any(
        column.type in ("day", "time") and name_match(table.name, column.name, name) > 0
        for table in TABLES.values()
        for column in table.columns
    )


def _numbered(table: str, column: str) -> list[tuple[int, str]]:
    return list(enumerate((column, *column_names(table, column))))


def _squashed(name: str) -> str:
    return name.replace("_", "")


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word in ("news", "nps") or word.endswith("ss"):
        return word
    return word[:-1] if word.endswith("s") and len(word) > 3 else word
