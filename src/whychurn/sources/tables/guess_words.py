"""What words say: about actions in a log, about reasons for leaving, about columns that follow from leaving."""

from __future__ import annotations

from whychurn.sources.names import tokens
from whychurn.sources.tables.guess_names import plain
from whychurn.study.tables_schema import CauseOfLeaving

_LOGIN = {"login", "logon", "signin", "loggedin", "signedin", "sessionstart", "sessionstarted", "logins", "userlogin",
          "loginsuccess", "loginsucceeded", "useloggedin", "userloggedin", "usersignedin", "anmeldung",
          "anmelden", "angemeldet", "eingeloggt", "einloggen", "useranmeldung", "authenticated", "auth"}  # fmt: skip
_FAILED = {"failed", "fail", "failure", "failures", "error", "errors", "exception", "crash", "crashed", "abandoned",
           "timeout", "rejected", "aborted", "denied", "fehler", "fehlgeschlagen", "abbruch", "abgebrochen",
           "gescheitert"}  # fmt: skip
_NOT_USE = {"logout", "logoff", "signout", "signoff", "loggedout", "signedout", "sessionend", "sessionended",
            "heartbeat", "ping", "abmeldung", "abmelden", "abgemeldet", "ausgeloggt"}  # fmt: skip
_USE = {
    "use", "used", "usage", "uses", "open", "opened", "view", "viewed", "click", "clicked", "create", "created", "edit",
    "edited", "save", "saved", "update", "updated", "delete", "deleted", "export", "exported", "import", "imported",
    "upload", "uploaded", "download", "downloaded", "run", "ran", "submit", "submitted", "sent", "send", "search",
    "searched", "share", "shared", "read", "write", "written", "pageview", "complete", "completed", "approve",
    "approved", "print", "printed", "generate", "generated", "oeffnen", "geoeffnet", "speichern", "gespeichert",
    "anlegen",
    "angelegt", "erstellen", "erstellt", "bearbeiten", "bearbeitet", "loeschen", "geloescht", "exportieren",
    "exportiert", "importieren", "importiert", "suchen", "gesucht", "suche", "ansehen", "angesehen", "aufruf",
    "aufgerufen", "drucken", "gedruckt", "senden", "gesendet", "hochgeladen", "heruntergeladen", "nutzung", "benutzt",
}  # fmt: skip


def meaning_of_action(value: str) -> str:
    """Return login, use, failed or ignore where an action's words say so, else "".

    Examples
    --------
    >>> [meaning_of_action(value) for value in ("user.logged_in", "invoice_created", "import failed", "XJ-9")]
    ['login', 'use', 'failed', '']
    """
    words = tokens(plain(value))
    joined = "".join(words)
    if set(words) & _FAILED:
        return "failed"
    if joined in _NOT_USE or joined.removeprefix("user") in _NOT_USE:
        return "ignore"
    if joined in _LOGIN or joined.removeprefix("user") in _LOGIN:
        return "login"
    return "use" if set(words) & _USE else ""


_PAYING = {
    "payment",
    "payments",
    "card",
    "billing",
    "charge",
    "invoice",
    "direct",
    "debit",
    "zahlung",
    "zahlungen",
    "karte",
    "lastschrift",
    "rechnung",
}
_NOT_PAID = {"failed", "fail", "failure", "failures", "failing", "declined", "decline", "expired", "overdue", "missed",
             "rejected", "bounced", "unpaid", "returned", "non", "abgelehnt", "fehlgeschlagen", "geplatzt",
             "ueberfaellig", "offen", "abgelaufen"}  # fmt: skip
_UNPAID = (
    "nonpay",
    "unpaid",
    "dunning",
    "chargeback",
    "delinquen",
    "arrears",
    "involuntar",
    "overdue",
    "zahlungsausfall",
    "zahlungsverzug",
    "nichtzahlung",
    "unbezahlt",
    "mahn",
)
_BANKRUPT = (
    "bankrup",
    "insolven",
    "liquidat",
    "dissolv",
    "insolvenz",
    "receivership",
    "konkurs",
    "geschaeftsaufgabe",
    "betriebsaufgabe",
)
_BUSINESS = {"business", "company", "trading", "firm", "shop", "practice", "operations"}
_CLOSED = {"closed", "closing", "closure", "ceased", "under", "out", "shut", "folded"}


def cause_of_reason(reason: str) -> CauseOfLeaving:
    """Return the cause that a reason for leaving is proposed as: voluntary unless its words say otherwise.

    Examples
    --------
    >>> [cause_of_reason(text) for text in ("Card declined", "Went out of business", "Too expensive")]
    ['involuntary', 'bankruptcy', 'voluntary']
    """
    words = set(tokens(plain(reason)))
    if any(word.startswith(_BANKRUPT) for word in words) or (words & _BUSINESS and words & _CLOSED):
        return "bankruptcy"
    if (words & _PAYING and words & _NOT_PAID) or any(word.startswith(_UNPAID) for word in words):
        return "involuntary"
    return "voluntary"


_AFTERWARDS = {"churn", "churned", "attrition", "status", "cancel", "cancelled", "canceled", "cancellation", "ended",
               "terminated", "left", "exit", "lost", "inactive", "active", "health", "risk", "last", "final",
               "closed"}  # fmt: skip
#: The German words run together: Kündigungsgrund, gekündigt.
_LEAVING = ("kuendig", "gekuendig", "abgang", "austritt")


def follows_from_leaving(name: str) -> bool:
    """Whether a column, by its name, may be known only when a customer leaves, or be a judgement of the risk."""
    words = tokens(plain(name))
    return bool(set(words) & _AFTERWARDS) or any(word.startswith(_LEAVING) for word in words)
