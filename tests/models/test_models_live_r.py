"""A freshly generated start-stop data set through R itself, so that no stored number can flatter us."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_cox, fit_kaplan_meier, logrank_test

SCRIPT = """
d <- read.csv("data.csv")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-14, iter.max = 60)
for (ties in c("efron", "breslow")) {
  f <- coxph(Surv(start, stop, e) ~ x + z + g + offset(o) + strata(s), d, weights = w, ties = ties,
             cluster = id, control = exact)
  say(paste0(ties, "_coef"), coef(f)); say(paste0(ties, "_naive"), f$naive.var)
  say(paste0(ties, "_var"), f$var); say(paste0(ties, "_loglik"), f$loglik)
  for (k in c("martingale", "deviance", "score", "dfbeta", "schoenfeld"))
    say(paste0(ties, "_", k), colSums(as.matrix(residuals(f, type = k))^2))
  con <- concordance(f)
  say(paste0(ties, "_concordance"), c(con$concordance, sqrt(con$var)))
  for (tr in c("km", "identity", "log", "rank")) say(paste0(ties, "_zph_", tr), cox.zph(f, tr)$table[, 1])
  nd <- data.frame(x = c(-1, 1), z = c(0, 1), g = c("a", "c"), o = 0, s = c("n", "s"))
  f0 <- coxph(Surv(start, stop, e) ~ x + z + g + strata(s), d, ties = ties, control = exact)
  sv <- summary(survfit(f0, newdata = nd, conf.type = "log-log"), times = c(3, 6, 9))
  say(paste0(ties, "_surv"), sv$surv); say(paste0(ties, "_surv_se"), sv$std.err)
  say(paste0(ties, "_surv_low"), sv$lower)
}
k <- survfit(Surv(start, stop, e) ~ g, d, weights = w, conf.type = "log-log")
t <- summary(k, times = c(3, 6, 9))
say("km_surv", t$surv); say("km_se", t$std.err); say("km_low", t$lower); say("km_high", t$upper)
r <- subset(d, start == 0)
l <- survdiff(Surv(stop, e) ~ g + strata(s), r, rho = 0.5)
say("logrank", l$chisq)
"""


@pytest.fixture(scope="module")
def r_answers(run_r):
    random = np.random.default_rng(20_240)
    n = 400
    frame = pd.DataFrame(
        {
            "id": random.integers(0, 150, n),
            "x": random.normal(size=n).round(3),
            "z": random.integers(0, 2, n),
            "g": random.choice(list("abc"), n),
            "s": random.choice(["n", "s"], n),
            "o": random.normal(scale=0.3, size=n).round(3),
            "w": random.uniform(0.4, 2.5, n).round(3),
            "start": random.choice([0, 0, 1, 2, 5], n),
        }
    )
    time = random.exponential(8 * np.exp(-0.5 * frame["x"] - 0.4 * frame["z"]))
    frame["stop"] = frame["start"] + np.ceil(np.minimum(time, 10)).astype(int)
    frame["e"] = (time <= 10).astype(int)
    return frame, run_r(SCRIPT, {"data": frame})


@pytest.mark.r
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_on_fresh_data(r_answers, ties):
    frame, r = r_answers
    fit = fit_cox(
        frame, ["x", "z", "g"], "stop", "e", start="start", strata="s", weights="w", cluster="id", offset="o", ties=ties
    )

    def agree(ours, key, rtol=1e-8, atol=0.0):
        np.testing.assert_allclose(np.ravel(ours), r[f"{ties}_{key}"], rtol=rtol, atol=atol)

    agree(fit.params, "coef", atol=1e-8 * fit.std_errors.min())
    # Covariances are compared on the scale of their standard errors.
    agree(fit.naive_covariance, "naive", atol=1e-8 * fit.naive_covariance.to_numpy().max())
    agree(fit.covariance, "var", atol=1e-8 * fit.covariance.to_numpy().max())
    agree([fit.null_log_likelihood, fit.log_likelihood], "loglik")
    for kind in ("martingale", "deviance", "score", "dfbeta", "schoenfeld"):
        found = fit.residuals(kind).to_numpy()
        agree((found.reshape(len(found), -1) ** 2).sum(axis=0), kind)
    found = fit.concordance()
    agree([found.estimate, found.std_error], "concordance")
    for transform in ("km", "identity", "log", "rank"):
        agree(fit.test_proportional_hazards(transform)["statistic"], f"zph_{transform}", rtol=1e-7)
    plain = fit_cox(frame, ["x", "z", "g"], "stop", "e", start="start", strata="s", ties=ties)
    rows = pd.DataFrame({"x": [-1.0, 1.0], "z": [0, 1], "g": ["a", "c"], "s": ["n", "s"]})
    curves = plain.predict_survival(rows, [3, 6, 9])
    agree(curves["survival"], "surv")
    agree(curves["std_error"], "surv_se")
    agree(curves["conf_low"], "surv_low")


@pytest.mark.r
def test_curves_on_fresh_data(r_answers):
    frame, r = r_answers
    found = fit_kaplan_meier(frame, "stop", "e", start="start", group="g", weights="w").at([3, 6, 9])
    for ours, theirs in {"survival": "surv", "std_error": "se", "conf_low": "low", "conf_high": "high"}.items():
        np.testing.assert_allclose(found[ours], r[f"km_{theirs}"], rtol=1e-8)
    rows = frame[frame["start"] == 0]
    found = logrank_test(rows, "stop", "e", "g", strata="s", rho=0.5)
    np.testing.assert_allclose([found.statistic], r["logrank"], rtol=1e-8)
