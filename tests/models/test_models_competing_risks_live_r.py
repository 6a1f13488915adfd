"""Freshly generated competing risks and recurrent events through R itself."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import (
    fit_aalen_johansen,
    fit_cause_specific,
    fit_fine_gray,
    gray_test,
    mean_cumulative_function,
    mean_cumulative_test,
)

pytestmark = pytest.mark.r

SCRIPT = """
d <- read.csv("data.csv"); d$e <- factor(d$e, 0:3)
at <- c(2, 5, 9)
curves <- function(name, f) {
  s <- summary(f, times = at)
  say(paste0(name, "_estimate"), s$pstate[, -1]); say(paste0(name, "_se"), s$std.err[, -1])
  say(paste0(name, "_free"), s$pstate[, 1]); say(paste0(name, "_free_se"), s$std.err[, 1])
  say(paste0(name, "_low"), s$lower[, -1])
}
curves("plain", survfit(Surv(stop, e) ~ g, d, conf.type = "log-log"))
curves("weighted", survfit(Surv(stop, e) ~ g, d, weights = w, conf.type = "log-log"))
late <- survfit(Surv(start, stop, e) ~ g, d, id = id, weights = w, conf.type = "log-log", influence = TRUE)
curves("late", late)
# R's own standard error of the area leaves out the weights that its pointwise ones carry, so it is put together here.
for (k in 1:3) {
  influence <- late$influence.pstate[[k]]; w <- d$w[d$g == c("a", "b", "c")[k]]
  t <- late$time[rep(1:3, late$strata) == k]; width <- diff(c(t[t < 8], 8)); step <- dim(influence)[2] - length(t) + seq_along(width)
  say(paste0("lost_", k), apply(influence[, step, -1], 3, function(x) sqrt(sum((w * (x %*% width))^2))))
}
even <- survfit(Surv(start, stop, e) ~ g, d, id = id, influence = TRUE)
say("even_lost", summary(even, rmean = 8)$table[, c("rmean", "se(rmean)")])
for (rho in c(0, 0.7)) say(paste0("gray_", rho), cuminc(d$stop, as.integer(d$e) - 1, d$g, d$s, rho = rho)$Tests[, 1])
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-14, iter.max = 60)
regression <- function(name, f) {
  say(paste0(name, "_coef"), coef(f)); say(paste0(name, "_se"), sqrt(diag(f$naive.var)))
  say(paste0(name, "_robust"), f$var); say(paste0(name, "_loglik"), f$loglik)
  s <- summary(survfit(f, newdata = data.frame(x = c(-1, 1), z = 0:1, s = "n")), times = at)
  say(paste0(name, "_incidence"), 1 - s$surv); say(paste0(name, "_incidence_se"), s$std.err)
}
for (ties in c("efron", "breslow")) {
  fg <- finegray(Surv(stop, e) ~ ., d, etype = "2")
  regression(ties, coxph(Surv(fgstart, fgstop, fgstatus) ~ x + z, fg, weights = fgwt, cluster = id, ties = ties,
                         control = exact))
}
fg <- finegray(Surv(start, stop, e) ~ . + strata(s), d, etype = "2", id = id)
regression("layers", coxph(Surv(fgstart, fgstop, fgstatus) ~ x + z + strata(s), fg, weights = fgwt, cluster = id,
                           control = exact))
h <- read.csv("split.csv"); h$e <- factor(h$e, 0:3)
fg <- finegray(Surv(start, stop, e) ~ ., h, etype = "2", id = id)
regression("split", coxph(Surv(fgstart, fgstop, fgstatus) ~ x + z, fg, weights = fgwt, cluster = id, control = exact))
curves("pieces", survfit(Surv(start, stop, e) ~ g, h, id = id, conf.type = "log-log"))
for (groups in 1:2) {
  k <- if (groups == 1) rep(1, nrow(d)) else d$s
  # crr's line search gives up at rounding from some beginnings; then it must begin elsewhere.
  for (begin in c(0, 0.01, 0.02, 0.05, -0.01, -0.03)) {
    f <- crr(d$stop, as.integer(d$e) - 1, d[, c("x", "z")], cengroup = k, failcode = 2, gtol = 1e-12, maxiter = 60,
             init = c(begin, begin))
    if (f$converged) break
  }
  say(paste0("crr", groups, "_coef"), f$coef); say(paste0("crr", groups, "_robust"), f$var)
  say(paste0("crr", groups, "_loglik"), c(f$loglik.null, f$loglik)); say(paste0("crr", groups, "_done"), f$converged)
  p <- predict(f, rbind(c(-1, 0), c(1, 1))); say(paste0("crr", groups, "_incidence"), p[findInterval(at, p[, 1]), -1])
}
f <- coxph(Surv(start, stop, e) ~ x + z, d, id = id, ties = "breslow", control = exact)
p <- survfit(f, newdata = data.frame(x = c(-1, 1), z = 0:1))
say("multistate", p$pstate[findInterval(at, p$time), , -1])
r <- read.csv("visits.csv")
f <- survfit(Surv(start, stop, e) ~ g, r, id = id, weights = w)
s <- summary(f, times = at); say("mean", s$cumhaz); say("mean_se", s$std.chaz)
say("rates", summary(coxph(Surv(start, stop, e) ~ g, r, cluster = id, ties = "breslow"))$robscore["test"])
"""
AT = [2, 5, 9]
NEW = pd.DataFrame({"x": [-1.0, 1.0], "z": [0, 1], "s": "n"})


def customers(random, n):
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "x": random.normal(size=n).round(3),
            "z": random.integers(0, 2, n),
            "g": random.choice(list("abc"), n),
            "s": random.choice(["n", "s"], n),
            "w": random.uniform(0.4, 2.5, n).round(3),
            "start": random.choice([0, 0, 1, 2, 4], n),
            "e": random.choice(4, n, p=[0.35, 0.25, 0.25, 0.15]),
        }
    )
    scale = np.exp(-0.4 * frame["x"] * (frame["e"] == 2))
    frame["stop"] = frame["start"] + np.ceil(random.exponential(5 * scale)).clip(1, 12).astype(int)
    return frame


def split_rows(frame):
    """Cut long rows in two, with a covariate that changes at the cut."""
    cut = (frame["stop"] - frame["start"] >= 3) & (frame["id"] % 2 == 0)
    first = frame[cut].assign(stop=frame["start"] + 2, e=0)
    second = frame[cut].assign(start=frame["start"] + 2, z=1 - frame["z"])
    return pd.concat([frame[~cut], second, first]).reset_index(drop=True)


def visits(random):
    """Up to five spells per customer, some with time away in between."""
    rows = []
    for customer in range(60):
        now, group = float(random.integers(0, 3)), "ab"[customer % 2]
        for _ in range(random.integers(1, 6)):
            stop = now + random.integers(1, 5)
            rows.append((customer, group, 1 + customer % 3, now, stop, int(random.random() < 0.6)))
            now = stop + random.integers(0, 2)
    return pd.DataFrame(rows, columns=["id", "g", "w", "start", "stop", "e"])


@pytest.fixture(scope="module")
def r_answers(run_r):
    random = np.random.default_rng(20_241)
    frame = customers(random, 350)
    frames = {"data": frame, "split": split_rows(frame), "visits": visits(random)}
    return frames, run_r(SCRIPT, frames, ["survival", "cmprsk"])


def agree(ours, theirs, tolerance=1e-8, scale=0.0):
    np.testing.assert_allclose(np.ravel(ours), theirs, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize(
    ("name", "source", "options"),
    [
        ("plain", "data", {}),
        ("weighted", "data", {"weights": "w"}),
        ("late", "data", {"weights": "w", "start": "start"}),
        ("late", "data", {"weights": "w", "start": "start", "subject": "id"}),
        ("pieces", "split", {"start": "start", "subject": "id"}),
    ],
)
def test_aalen_johansen(name, source, options, r_answers):
    frames, r = r_answers
    fit = fit_aalen_johansen(frames[source], "stop", "e", group="g", **options)
    found = fit.at(AT).sort_values(["cause", "group", "time"])
    agree(found["incidence"], r[f"{name}_estimate"])
    agree(found["std_error"], r[f"{name}_se"])
    free = fit.event_free(AT)
    agree(free["survival"], r[f"{name}_free"])
    agree(free["std_error"], r[f"{name}_free_se"])
    known = ~np.isnan(r[f"{name}_low"])
    agree(found["conf_low"][known], r[f"{name}_low"][known])


def test_time_lost(r_answers):
    frames, r = r_answers
    options = {"group": "g", "start": "start", "subject": "id"}
    even = fit_aalen_johansen(frames["data"], "stop", "e", **options).restricted_time_lost(8).means
    even = even.sort_values(["cause", "group"])
    both = r["even_lost"].reshape(2, 4, 3)[:, 1:].reshape(2, 9)
    agree(even["estimate"], both[0])
    agree(even["std_error"], both[1])
    weighted = fit_aalen_johansen(frames["data"], "stop", "e", weights="w", **options).restricted_time_lost(8).means
    agree(weighted["std_error"], np.concatenate([r[f"lost_{k}"] for k in (1, 2, 3)]))


@pytest.mark.parametrize("rho", [0, 0.7])
def test_gray(rho, r_answers):
    frames, r = r_answers
    found = gray_test(frames["data"], "stop", "e", "g", strata="s", rho=rho)
    agree(found.tests["statistic"], r[f"gray_{rho}"])


@pytest.mark.parametrize(
    ("name", "source", "options"),
    [
        ("efron", "data", {"ties": "efron"}),
        ("breslow", "data", {"ties": "breslow"}),
        ("layers", "data", {"start": "start", "strata": "s"}),
        ("split", "split", {"start": "start", "subject": "id"}),
    ],
)
def test_fine_gray_by_weighted_rows(name, source, options, r_answers):
    frames, r = r_answers
    fit = fit_fine_gray(frames[source], ["x", "z"], "stop", "e", cause=2, method="finegray", **options)
    agree(fit.params, r[f"{name}_coef"], scale=fit.std_errors.min())
    agree(fit.std_errors, r[f"{name}_se"])
    agree(fit.covariance, r[f"{name}_robust"], scale=fit.covariance.to_numpy().max())
    agree([fit.null_log_likelihood, fit.log_likelihood], r[f"{name}_loglik"])
    curves = fit.predict_incidence(NEW, AT)
    agree(curves["incidence"], r[f"{name}_incidence"])
    agree(curves["std_error"], r[f"{name}_incidence_se"])


@pytest.mark.parametrize(("name", "options"), [("crr1", {}), ("crr2", {"censoring_strata": "s"})])
def test_crr(name, options, r_answers):
    frames, r = r_answers
    fit = fit_fine_gray(frames["data"], ["x", "z"], "stop", "e", cause=2, method="crr", **options)
    assert r[f"{name}_done"] == 1
    agree(fit.params, r[f"{name}_coef"], scale=fit.std_errors.min())
    agree(fit.covariance, r[f"{name}_robust"], scale=fit.covariance.to_numpy().max())
    agree([fit.null_log_likelihood, fit.log_likelihood], r[f"{name}_loglik"])
    agree(fit.predict_incidence(NEW, AT)["incidence"], r[f"{name}_incidence"])


def test_incidence_from_the_hazards_of_all_causes(r_answers):
    frames, r = r_answers
    fit = fit_cause_specific(frames["data"], ["x", "z"], "stop", "e", start="start", ties="breslow")
    found = fit.predict_incidence(NEW, AT)
    agree(found["incidence"], r["multistate"])


def test_recurrent_events(r_answers):
    frames, r = r_answers
    rows = frames["visits"]
    found = mean_cumulative_function(rows, "stop", "e", "id", start="start", group="g", weights="w").at(AT)
    agree(found["mean_events"], r["mean"])
    agree(found["std_error"], r["mean_se"])
    agree([mean_cumulative_test(rows, "stop", "e", "id", "g", start="start").statistic], r["rates"])
