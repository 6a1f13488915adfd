"""Kaplan-Meier, restricted means, log-rank and concordance against R's survival 3.5-3."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import concordance, fit_cox, fit_kaplan_meier, logrank_test, restricted_mean

KM_CASES = {
    "km_aml_log-log": ("aml", {"time": "time", "event": "status", "group": "x"}),
    "km_aml_log": ("aml", {"time": "time", "event": "status", "group": "x", "conf_type": "log"}),
    "km_aml_logit": ("aml", {"time": "time", "event": "status", "group": "x", "conf_type": "logit"}),
    "km_aml_plain": ("aml", {"time": "time", "event": "status", "group": "x", "conf_type": "plain"}),
    "km_lung_sex": ("lung", {"time": "time", "event": "status", "group": "sex"}),
    "km_lung_weighted": ("lung_w", {"time": "time", "event": "status", "group": "sex", "weights": "wt"}),
    "km_lung_weighted_robust": ("lung_w", {"time": "time", "event": "status", "group": "sex", "weights": "wt"}),
    "km_heart_startstop": ("heart", {"time": "stop", "event": "event", "start": "start", "group": "transplant"}),
    "km_telco": ("telco", {"time": "tenure", "event": "ev", "group": "contract"}),
    "km_telco_all": ("telco_all", {"time": "tenure", "event": "ev", "group": "contract"}),
}
COLUMNS = {
    "n_at_risk": "n.risk",
    "n_events": "n.event.in.interval",
    "survival": "surv",
    "std_error": "std.err",
    "conf_low": "lower",
    "conf_high": "upper",
}


@pytest.mark.parametrize("name", list(KM_CASES))
def test_kaplan_meier(name, case, data, telco, close):
    source, options = KM_CASES[name]
    frame = telco if source == "telco" else data("telco" if source == "telco_all" else source)
    fit = fit_kaplan_meier(frame, **options)
    r = case(name)
    table = pd.DataFrame(r["table"])
    for stratum, theirs in table.groupby("strata", sort=False):
        group = stratum.split("=", 1)[1].strip()
        ours = fit.at(theirs["time"].to_numpy())
        ours = ours[ours["group"] == group]
        # R leaves the limits out where censored rows stand at survival 1; ours are (1, 1) there.
        theirs = theirs.where(~((theirs["surv"] == 1) & theirs["lower"].isna()), theirs.fillna(1.0))
        for mine, column in COLUMNS.items():
            close(ours[mine], theirs[column].to_numpy(dtype=float), tolerance=1e-12 if mine != "std_error" else 1e-8)
    if "quantiles" in r:
        shape = (len(r["quantiles"]["strata"]), -1)
        found = fit.quantile(r["quantiles"]["probs"])
        for mine, column in {"time": "quantile", "conf_low": "lower", "conf_high": "upper"}.items():
            close(found[mine].to_numpy().reshape(shape), r["quantiles"][column])
    if "n" in r:
        assert list(fit.n) == r["n"]


def test_every_step_of_a_curve(case, data, close):
    r = case("km_aml_full")
    curve = fit_kaplan_meier(data("aml"), "time", "status").curve
    pairs = {
        "time": "time", "n_at_risk": "n.risk", "n_events": "n.event", "n_censored": "n.censor",
        "survival": "surv", "conf_low": "lower", "conf_high": "upper", "cumulative_hazard": "cumhaz",
    }  # fmt: skip
    for mine, column in pairs.items():
        close(curve[mine], r[column])
    close(curve["std_error"] / curve["survival"], r["std.err.cumhaz"])


def test_restricted_mean(case, data, close):
    r = case("rmst_aml_45")
    found = restricted_mean(data("aml"), "time", "status", tau=45, group="x")
    close(found.means["estimate"], r["rmean"])
    close(found.means["std_error"], r["se"])
    # R's case subtracts the second group; ours are differences from the first.
    close(-found.differences["estimate"], [r["diff"]])
    close(found.differences["std_error"], [r["diff_se"]])


LOGRANK_CASES = {
    "logrank_aml_rho0": ("aml", {"time": "time", "event": "status", "group": "x"}),
    "logrank_aml_rho1": ("aml", {"time": "time", "event": "status", "group": "x", "rho": 1.0}),
    "logrank_lung_sex": ("lung", {"time": "time", "event": "status", "group": "sex"}),
    "logrank_lung_strat": ("lung_cc", {"time": "time", "event": "status", "group": "sex", "strata": "ph.ecog"}),
    "logrank_telco_rho0": ("telco", {"time": "tenure", "event": "ev", "group": "contract"}),
    "logrank_telco_strat": (
        "telco",
        {"time": "tenure", "event": "ev", "group": "payment_method", "strata": "contract"},
    ),
}


@pytest.mark.parametrize("name", list(LOGRANK_CASES))
def test_logrank(name, case, data, telco, close):
    source, options = LOGRANK_CASES[name]
    found = logrank_test(telco if source == "telco" else data(source), **options)
    r = case(name)
    close(found.statistic, r["chisq"])
    assert found.df == r["df"]
    close(found.p_value, r["p"], tolerance=1e-7)
    close(found.observed, r["obs"])
    close(found.expected, r["exp"])
    diagonal = np.diag(np.array(r["var"]))
    close(found.variance, r["var"], scale=np.sqrt(np.outer(diagonal, diagonal)))


def test_concordance_counts(case, data, close):
    r = case("concordance_lung")["harrell"]
    frame = data("lung_cc")
    fit = fit_cox(frame, ["age", "sex", "ph.ecog"], "time", "status")
    frame["risk"] = fit.linear_predictor()
    found = concordance(frame, "risk", "time", "status", higher_is="riskier")
    close(found.estimate, r["C"])
    close(found.std_error, r["se"])
    counts = [found.concordant, found.discordant, found.tied_x, found.tied_y, found.tied_xy]
    assert counts == list(r["count"].values())
    assert found == fit.concordance()
