"""The text of docs/validation.md around its tables."""

from __future__ import annotations

CANDIDATES = {
    "industry": "Industry",
    "size_band": "Number of employees",
    "region": "Region",
    "channel": "How the customer was won",
    "plan": "Plan",
    "term_months": "Term of the contract",
    "days_to_renewal": "Yearly renewal",
    "login_recency": "Time since the last login",
    "use_recency": "Time since the last use",
    "uses_28_reporting": "Uses of reporting",
    "uses_28_mobile": "Uses of mobile",
    "log_uses_28_mobile": "Uses of mobile",
    "log_uses_28_reporting": "Uses of reporting",
    "open_tickets": "Open tickets",
    "last_csat": "Last rating of support",
    "nps_band": "Last recommendation",
    "interactions_84": "Contacts",
    "interventions_84": "Attempts to save",
    "event_84_price_change": "Price change",
    "event_84_competitor_offer": "Competitor's offer",
    "event_84_incident": "Incident",
    "failed_payments_84": "Failed charges",
    "overdue_payments": "Overdue charges",
}

INTRODUCTION = (
    "Written by `python -m validation`, never by hand. Companies are simulated whose reasons for leaving are known, whychurn's "
    "own analyses run on them, and their answers are held against the truth. Seeds and settings were fixed before the first "
    "result was seen (`validation/arms.py`: seeds from 1001 on). Intervals in brackets and after ± say what chance alone "
    "may have made of a figure (95%, Monte Carlo). Companies are small and lose many customers on purpose: to see where "
    "methods begin to fail, and to see it a thousand times."
)

DIRECT = (
    "Log hazard ratios of leaving voluntarily, in one Cox model of weekly rows (`EffectBook`, clustered by account or parent) "
    "that holds every planted effect in the form in which it was planted, beside candidates without any. An effect is well "
    "estimated if its bias is small beside the spread (SD), its standard errors are as large as that spread, and 95% of the "
    "95% intervals hold the truth."
)

FALSE = (
    "p-values of each company are adjusted over its family (Benjamini and Hochberg). On average at most the share aimed at of "
    "the discoveries may be false. “Direct effects” are the joint tests of all candidates in the model above; “cause table” are "
    "the total effects of the cause table on all departures, as a report prints them."
)

SINGLE = "Single tests of candidates without effect, not adjusted: 5% should fall below .05."

GRADES = "Grades in the cause table, {arm}, {n:,} companies:"

TOTALS = (
    "Industry acts in two ways: on leaving, and on usage, which acts on leaving. The truth of its total effect is found by asking "
    "the simulator again with every customer in medical devices moved to software, everything else drawn as before "
    "(`validation/do.py`). The share is that of voluntary departures in the window beyond what customers of the same tenure would "
    "have had in software; the difference of risk is between everybody in medical devices and everybody in software, of "
    "leaving within a year of signing up, from standardised curves of a Cox model of the four attributes."
)

COUNTED = (
    "“The share of departures” can mean three things, and where as many leave as here they differ. Of the departures, {tenure} "
    "lie beyond the hazard of those who would be at risk at the same tenure in software (`validation/again.py`): this is what a "
    "model of attributes can see, and the truth in the table. For the very customers who are still there it would be {same}: "
    "those who last in medical devices are the keener users, so they gain more. Had leaving itself been drawn again, only {counted} "
    "fewer would have left in the window: who is kept stays at risk and may leave later. Removing a cause postpones "
    "departures, and the share must be read so. True risks in a year are {high} and {low}."
)

RANKING = (
    "The truth is the share of all departures that goes with each declared comparison, from the simulator with the cause set to "
    "its reference. The cause table ranks by grade first and by share within a grade, so a large share on thin evidence stands "
    "below a smaller one that is certain; beside it stands the order by share alone."
)

PAIRWISE = "Neighbours in the true order:"

NAIVE = (
    "One row per customer with totals of its whole time, as they come out of a data warehouse; tenure and whether it left; "
    "a Cox model and a logistic regression that also know industry and plan. Whoever stays long does more of everything, so "
    "totals say how long a customer stayed, not why it left."
)

NAIVE_TRUTH = {
    "reporting": "protects",
    "mobile": "nothing",
    "tickets": "open ones harm",
    "interactions": "nothing",
    "saved": "helps (−0.25)",
}

CRUDE = (
    "Attempts to save go to customers in danger, so crudely calls look harmful; and to be called one must have stayed long "
    "enough, so over a lifetime calls look like wonders. Both are wrong, in opposite directions:"
)

NAIVE_FALSE = (
    "Of the two totals without any effect, mobile and contacts, the Cox model of totals declares at least one significant in "
    "{any} of companies."
)

PATHS = (
    "The figures above come from the simulator's weekly rows, coded by the panel's own code (`table_candidates`). For {n} "
    "companies the whole way was gone as well: tables with usage, `sources_from_frames`, `build_panel`. What remains different "
    "is what a company does not know: a week without a usage log, 7% of leavers without a clear reason, renewals of contracts "
    "that began on the 29th to 31st."
)

DECLARED = "The same with the causes as the demo declares them, in bands, coded and fitted by the panel of each path:"

AGAIN = """```
make validate                                # what is missing is measured, then this page is written
python -m validation --companies 20 --jobs 2 # a quick look, written to the terminal
```

Records are kept in `validation/cache` (a line per company), so an interrupted run goes on where it stopped.
`validation/README.md` says what is measured where."""

ARM = {
    "hidden": (
        "The model is wrong here, so only the bias is shown: those who leave fast are soon gone, and among those who are left "
        "an effect looks smaller than it is."
    ),
    "large": "The same with four times the customers: what small numbers did above should fade here.",
}

NOT_COMPLETE = (
    "**Not complete.** Each company takes a second or two (its cause table about eight), and some runs were stopped before their planned "
    "number: {missing}. Their intervals are as wide as that makes them; `make validate` goes on where they stopped."
)

PARTS = {"effects": "effects", "table": "cause tables", "frames": "the whole way", "surveys": "answers to surveys"}

NUMBERS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 10: "ten"}

SURVEYS = (
    "{n:,} companies as planted, the whole way from their tables through the two analyses of the page on who answers. In the simulator "
    "active customers answer more, and unhappy ones less; the score rises with use of reporting, falls with open tickets and with "
    "a poor last rating, and depends on no other module. On average {invited:,.0f} invitations count in a company, and {answered:,.0f} "
    "are answered. The truth about the score is what all invited would have given on average, worked out from what each score depends on "
    "in the simulator on the day of the invitation."
)

SCORE = (
    "The score as answered is too high, because active customers answer more and recommend more. Weighting moves it the right way "
    "in {direction} of companies; it ends nearer the truth in {closer}. It cannot always: chance in some {answered:,.0f} answers "
    "(standard error {error:.1f} points) is about as large as what weighting has to put right."
)

DRIVERS = (
    "Which module’s users recommend most, by the ordered logit of the page. Reporting has the largest coefficient of {modules} modules in "
    "{first} of companies, with the right sign in {sign}, clearly (p < .05 adjusted over modules) in {clear}. The study declares reporting as the "
    "driver before looking. The full claim, reporting ahead of every other module after Holm’s adjustment over its comparisons and no other "
    "module above one by itself, is made in {holds}; some other module is clearly ahead of reporting, or wrongly said to go with recommending "
    "as well, in {wrong}. A company this small does not often have the answers for the full claim: the "
    "demo company, with six times as many, has."
)

SLOPE = (
    "There is no exact truth for the coefficient of reporting: what else moves a score is normal in the simulator, not logistic, and scores are "
    "rounded. If it were logistic with the same spread, the log odds ratio per doubling would be {truth:.2f}. Fitted to the measures that a "
    "score acts on, those of the day of the invitation, the ordered logit gives {exact}; the page’s own, from the last whole week "
    "before the answer, {ours}. {gap} Coverage is of what the estimates of the page average to, for reporting; and of zero, for "
    "modules that do nothing."
)

OUT_OF_DATE = (
    "What is measured on other days than those that count is measured with error, and that draws a coefficient towards zero: what is read off a page of "
    "this kind is rather too small than too large."
)
UP_TO_DATE = "They differ by no more than chance might: that the page knows use in whole weeks only costs nothing that shows here."

BRANT = (
    "**One ratio for both steps.** Brant’s test of it rejects at 5% in {found} of the {n:,} companies in which it can be made. In the simulator one "
    "ratio is only nearly right (what else moves a score is normal, not logistic, and scores are rounded), but that is not why: where answers are drawn "
    "from the page’s own model, in which one ratio is exactly right, the test rejects in {exact} of draws, though it is held against F for the number of "
    "accounts; with {times} times the customers, in {larger}. On a few hundred answers a rejection is weak evidence against one ratio."
)

REDRAWN = (
    "**Why intervals of modules that do nothing are too narrow.** The same customers, with all that is known of them, were given answers again, {draws} times "
    "a company, under conditions that differ in one thing at a time; counted are the intervals of the {modules} modules that do nothing."
)

CASES = {
    "simulator": "drawn by the simulator’s formula, the page’s terms",
    "model": "drawn from the page’s own model, the page’s terms",
    "few": "the same, modules as the only terms",
    "larger": "the page’s own model and terms, {times} times the customers",
}

NOT_CLUSTERING = "Errors that are not clustered do no better: clustering is not the reason."
CLUSTERING = "Errors that are not clustered do better: clustering is part of the reason."
NOT_THE_MODEL = "That answers do not come from exactly the page’s model matters no more than chance might."
THE_MODEL = "That answers do not come from exactly the page’s model is part of the reason."
NOT_TERMS = "Fewer terms do not help."
TERMS = "Fewer terms help."
SIZE = "More customers do: it is a matter of few answers, and goes away as they become many."
NOT_SIZE = "Nor do more customers, so the reason has not been found."
ONLY_CHANCE = (
    "Of the table’s own intervals for these modules {pooled} hold zero, taken together, no fewer than chance allows beside {simulator}. Why single modules lie "
    "lower than others was not traced further."
)
MORE_THAN_CHANCE = (
    "Of the table’s own intervals for these modules {pooled} hold zero, taken together, which is less than {simulator} by more than chance: part of the "
    "reason has not been found."
)

NOT_CLUSTERED = "Standard errors in this table are those of the information, not clustered."

WHY = """### Where it falls short, and why

- **Intervals are a little too narrow in small companies.** There are about seven departures for each coefficient of the model.
  Estimates then lean outwards, by a few per cent of large effects, and spread a few per cent more than their standard errors
  say. Clustering is not the reason: standard errors of the information do no better, since an account leaves once. The largest biases
  shrink in larger companies. Whether their coverage is exact cannot be told from as few as were drawn.
- **Joint tests of several levels reject too often there.** Where nothing is planted, candidates with three levels and more have
  p below .05 in more than 5% of companies, and adjusting for many tests passes that on: where there is nothing to find,
  something is found more often than the level aimed at. Where there are real effects, the share of false discoveries stays within it.
- **Few customers, few firsts.** The cause table puts grades before shares. At 500 customers the largest cause, which acts through
  usage and is estimated beside everything that came before it, is often only moderate or weak, and the yearly renewal, smaller but
  unmistakable, stands first. The goal of 90% firsts is not met at this size, not even by share alone: the share of the largest cause
  has a wide interval. Estimated shares themselves agree with the truth on average.
- **A share given only where there is evidence is too large where evidence is rare.** Number of employees has a true share near 2%; where
  a share is printed, chance has helped it.
- **Time since the last use** does nothing by itself, but follows the last login so closely that the study declares both as measures of
  one thing, which do not adjust each other away. It is graded as a cause in many companies. That is what the declaration asks for; read
  causes of one group as one.
- **Differences of risk are a little too large.** Curves of a Cox model of attributes rest on one ratio for all tenures, an average over the
  window that counts old customers too. About half of the bias is gone in larger companies; the rest we have not traced.
- **1-19 employees** is covered too rarely in both sizes. Nothing in the simulator explains it, and among 25 effects chance may."""
