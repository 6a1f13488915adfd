"""Curves, restricted means, tests and rates on freshly generated data, through R itself."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_kaplan_meier, fit_nelson_aalen, hazard_by_time, logrank_test, restricted_mean

SCRIPT = """
d <- read.csv("data.csv")
for (ct in 1:2) {
  f <- survfit(Surv(start, stop, e) ~ g, d, stype = 2, ctype = ct, conf.type = "log-log")
  say(paste0("na", ct), c(f$cumhaz, f$std.chaz)); say(paste0("na_low", ct), f$lower); say(paste0("na_up", ct), f$upper)
  f <- survfit(Surv(start, stop, e) ~ g, d, weights = w, cluster = id, stype = 2, ctype = ct)
  say(paste0("na_cluster", ct), c(f$cumhaz, f$std.chaz))
}
f <- survfit(Surv(start, stop, e) ~ g, d, weights = w, cluster = id, conf.type = "log-log")
say("km_cluster", c(f$surv, f$std.err)); say("km_cluster_low", f$lower)
f <- survfit(Surv(start, stop, e) ~ g, d, start.time = 3.5, conf.type = "log")
say("km_from", c(f$surv, f$n.risk)); say("km_from_low", f$lower)
q <- quantile(f, c(.2, .5)); say("km_from_quantile", t(q$quantile)); say("km_from_qlow", t(q$lower))
r <- subset(d, start == 0)
f <- survfit(Surv(stop, e) ~ g, r)
s <- summary(f, rmean = 7)$table
say("rmst", c(s[, "rmean"], s[, "se(rmean)"]))
l <- survdiff(Surv(stop, e) ~ g + strata(s), r, rho = 1); say("logrank", c(l$chisq, l$var))
x <- r; x$g <- match(x$g, c("a", "b", "c"))
# Without ties in time the trend test is the score test of one covariate.
x$u <- rank(x$stop, ties.method = "first"); x <- x[order(x$u), ]
say("trend", coxph(Surv(u, e) ~ g, x, ties = "breslow")$score)
p <- pyears(Surv(stop, e) ~ g, r, scale = 1)
say("rates", c(p$pyears, p$event))
say("limits", mapply(function(n, t) poisson.test(n, t)$conf.int, p$event, p$pyears))
"""


@pytest.fixture(scope="module")
def fresh(run_r):
    random = np.random.default_rng(77)
    n = 300
    frame = pd.DataFrame(
        {
            "id": random.integers(0, 90, n),
            "g": random.choice(list("abc"), n),
            "s": random.choice(["n", "s"], n),
            "w": random.uniform(0.4, 2.5, n).round(3),
            "start": random.choice([0, 0, 1, 2, 5], n),
        }
    )
    frame["stop"] = frame["start"] + random.integers(1, 9, n)
    frame["e"] = (random.uniform(size=n) < 0.6).astype(int)
    return frame, run_r(SCRIPT, {"data": frame})


def agree(ours, theirs, atol=0.0):
    np.testing.assert_allclose(np.ravel(ours), theirs, rtol=1e-8, atol=atol)


@pytest.mark.r
@pytest.mark.parametrize("ctype", [1, 2])
def test_nelson_aalen_on_fresh_data(fresh, ctype):
    frame, r = fresh
    options = {"start": "start", "group": "g", "ties": ["aalen", "fleming-harrington"][ctype - 1]}
    curve = fit_nelson_aalen(frame, "stop", "e", **options).curve
    agree([curve["cumulative_hazard"], curve["std_error"]], r[f"na{ctype}"])
    known = ~np.isnan(r[f"na_low{ctype}"])
    agree(np.exp(-curve["conf_high"])[known], r[f"na_low{ctype}"][known])
    agree(np.exp(-curve["conf_low"])[known], r[f"na_up{ctype}"][known])
    curve = fit_nelson_aalen(frame, "stop", "e", weights="w", cluster="id", **options).curve
    agree([curve["cumulative_hazard"], curve["std_error"]], r[f"na_cluster{ctype}"])


@pytest.mark.r
def test_kaplan_meier_on_fresh_data(fresh):
    frame, r = fresh
    curve = fit_kaplan_meier(frame, "stop", "e", start="start", group="g", weights="w", cluster="id").curve
    left = curve["survival"].to_numpy() > 0
    survival, error = r["km_cluster"].reshape(2, -1)
    agree(curve["survival"], survival, atol=1e-14)
    agree(curve["std_error"][left], error[left])
    agree(curve["conf_low"][left], r["km_cluster_low"][left])
    # R keeps T >= 3.5, we T > 3.5; no time lies there.
    fit = fit_kaplan_meier(frame, "stop", "e", start="start", group="g", conditional_on=3.5, conf_type="log")
    survival, at_risk = r["km_from"].reshape(2, -1)
    agree(fit.curve["survival"], survival, atol=1e-14)
    agree(fit.curve["n_at_risk"], at_risk)
    left = fit.curve["survival"].to_numpy() > 0
    agree(fit.curve["conf_low"][left], r["km_from_low"][left])
    found = fit.quantile([0.2, 0.5])
    agree(found["time"], r["km_from_quantile"])
    agree(found["conf_low"], r["km_from_qlow"])


@pytest.mark.r
def test_means_tests_and_rates_on_fresh_data(fresh):
    frame, r = fresh
    rows = frame[frame["start"] == 0]
    means = restricted_mean(rows, "stop", "e", tau=7, group="g").means
    agree([means["estimate"], means["std_error"]], r["rmst"])
    test = logrank_test(rows, "stop", "e", "g", strata="s", rho=1.0)
    agree(np.concatenate(([test.statistic], test.variance.to_numpy().ravel())), r["logrank"])
    single = rows.assign(u=rows["stop"].rank(method="first"))
    agree(logrank_test(single, "u", "e", "g").trend().statistic, r["trend"])
    rates = hazard_by_time(rows, "stop", "e", [0, 20], group="g").rates
    agree([rates["time_at_risk"], rates["n_events"]], r["rates"])
    agree(rates[["conf_low", "conf_high"]], r["limits"])
