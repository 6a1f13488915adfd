"""What is measured, on which data, against whom, and how closely the estimates must agree."""

from __future__ import annotations

from dataclasses import dataclass

# A thousandth of a standard error: far below anything that shows in print, far above rounding and the stopping
# rules of the libraries.
BOUND = 1e-3
# Standard errors, relative. R and others take them from the step before the last.
ERROR_BOUND = 1e-4


@dataclass(frozen=True)
class Entry:
    """One peer in one task.

    Attributes
    ----------
    peer
        Key of `PEERS`.
    work
        Function of the contender's file, where it is not the task's.
    variant
        What sets it apart, added to its label.
    limit
        Rows it is given, where all would take it too long; its costs are then multiplied up to all rows.
    known
        Why its estimates are known to differ. The row is shown as wrong, without a ratio.
    bare
        It gives estimates without standard errors: a reference for speed only.
    """

    peer: str
    work: str | None = None
    variant: str = ""
    limit: int | None = None
    known: str = ""
    bare: bool = False


@dataclass(frozen=True)
class Task:
    """One row of the benchmark.

    Attributes
    ----------
    key, title, sentence
        Name on the command line, heading, and what was measured.
    dataset, rows, covariates
        Key of `benchmarks.data.MAKERS`, rows at scale 1, and how many covariates to use (None: all).
    work
        Function of the contenders' files.
    entries
        The peers.
    alone
        Why there are no peers, where there are none.
    """

    key: str
    title: str
    sentence: str
    dataset: str
    rows: int
    work: str
    covariates: int | None = None
    entries: tuple[Entry, ...] = ()
    alone: str = ""


_PHREG = "its `entry` counts customers who enter on the day of an event as at risk on that day"
_OLD_TEST = "an approximation that R gave up in 2019: another statistic, not a less exact one"

TASKS: tuple[Task, ...] = (
    Task(
        "cox-30",
        "Cox model, 1 million customers, 30 covariates",
        "One row per customer, follow-up in whole days (so hundreds of ties a day), Efron ties; from a data frame (or "
        "the library's own input) to coefficients with standard errors.",
        "right-censored",
        1_000_000,
        "cox",
        entries=(Entry("coxstream"), Entry("survival"), Entry("lifelines"), Entry("coxdev"), Entry("R")),
    ),
    Task(
        "cox-10",
        "Cox model, 1 million customers, 10 covariates",
        "The same customers with the first ten covariates.",
        "right-censored",
        1_000_000,
        "cox",
        covariates=10,
        entries=(
            Entry("coxstream"),
            Entry("survival"),
            Entry("lifelines"),
            Entry("coxdev"),
            Entry("R"),
            Entry("scikit-survival", limit=100_000, bare=True),
        ),
    ),
    Task(
        "cox-continuous",
        "Cox model without ties, 1 million customers, 10 covariates",
        "Every event has a time of its own, so that there are as many risk sets as events; the memory is what matters.",
        "continuous",
        1_000_000,
        "cox",
        entries=(Entry("coxstream"), Entry("survival"), Entry("R")),
    ),
    Task(
        "cox-start-stop",
        "Cox model, 1.1 million monthly rows, 10 covariates",
        "About ten rows (start, stop] per customer with covariates that change from month to month; half the customers "
        "enter late (left truncation).",
        "start-stop",
        1_130_000,
        "cox",
        entries=(
            Entry("coxdev"),
            Entry("survival"),
            Entry("R"),
            Entry("statsmodels", known=_PHREG),
            Entry("lifelines"),
        ),
    ),
    Task(
        "cox-start-stop-large",
        "Cox model, 9.4 million monthly rows, 10 covariates",
        "The same with about a million customers.",
        "start-stop",
        9_400_000,
        "cox",
        alone="No peer is run: time and memory grow with the rows, so theirs would be some eight times those of the task before.",
    ),
    Task(
        "cox-categorical",
        "Cox model, 10 million customers, 4 categorical covariates",
        "Plan, channel, industry and region, follow-up in whole months: whychurn is given the categories, the others "
        "ready-made indicator columns where they do not read categories themselves.",
        "categorical",
        10_000_000,
        "cox",
        entries=(
            Entry("coxstream"),
            Entry("survival", limit=1_000_000),
            Entry("lifelines", limit=1_000_000),
            Entry("R", limit=1_000_000),
        ),
    ),
    Task(
        "ph-test",
        "Test of proportional hazards, 100 thousand customers, 10 covariates",
        "The score test of each covariate on the Kaplan-Meier time scale, after a fit that is not timed.",
        "right-censored",
        100_000,
        "ph_test",
        covariates=10,
        entries=(Entry("survival"), Entry("R"), Entry("lifelines", known=_OLD_TEST)),
    ),
    Task(
        "kaplan-meier",
        "Kaplan-Meier curves, 10 million customers, 10 groups",
        "Curves with standard errors and limits at every day (DuckDB: curve and Greenwood's sum by one SQL statement, "
        "over its own table in memory). Compared at five days.",
        "segments",
        10_000_000,
        "kaplan_meier",
        entries=(
            Entry("duckdb"),
            Entry("scikit-survival"),
            Entry("lifelines"),
            Entry("survival"),
            Entry("R"),
        ),
    ),
    Task(
        "log-rank",
        "Log-rank test, 1 million customers, 10 groups",
        "Chi-square on nine degrees of freedom.",
        "segments",
        1_000_000,
        "logrank",
        entries=(
            Entry("statsmodels"),
            Entry("lifelines"),
            Entry("scikit-survival"),
            Entry("survival"),
            Entry("R"),
        ),
    ),
    Task(
        "concordance",
        "Concordance (Harrell's C), 1 million customers",
        "A score without ties against tied days, with the standard error where the library has one.",
        "segments",
        1_000_000,
        "concordance",
        entries=(
            Entry("coxdev", bare=True),
            Entry("survival"),
            Entry("lifelines", bare=True),
            Entry("R"),
            Entry("R", "concordance_estimate", ", estimate alone", bare=True),
        ),
    ),
    Task(
        "logit",
        "Logistic regression, 1 million customers, 30 covariates",
        "Maximum likelihood with the model-based covariance matrix. scikit-learn has none: it is a reference for speed "
        "only.",
        "outcomes",
        1_000_000,
        "logit",
        entries=(
            Entry("glum"),
            Entry("scikit-learn", bare=True),
            Entry("statsmodels"),
            Entry("R", variant=" (glm)"),
        ),
    ),
)
