"""Accuracy against R on freshly generated rows: survival's concordance, glm, and G from survfit."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import auc, calibration, concordance, time_dependent_brier, uno_concordance

SCRIPT = """
d <- read.csv("data.csv")
put <- function(name, f) say(name, c(f$concordance, sqrt(f$var), colSums(matrix(f$count, ncol = 5))))
put("uno", concordance(Surv(t, e) ~ x, d, timewt = "n/G2"))
put("uno_tau", concordance(Surv(t, e) ~ x, d, timewt = "n/G2", ymax = 8, weights = w, cluster = id))
put("auc", concordance(e ~ x, d, weights = w, cluster = id))
tight <- glm.control(epsilon = 1e-14, maxit = 50)
again <- function(f) suppressWarnings(update(f, start = coef(f)))
a <- again(again(glm(e ~ offset(qlogis(p)), binomial, d, control = tight)))
b <- again(again(glm(e ~ qlogis(p), binomial, d, control = tight)))
say("intercept", c(coef(a), sqrt(vcov(a)))); say("slope", c(coef(b)[2], sqrt(vcov(b)[2, 2])))
# Events leave just before the censorings of their time.
g <- survfit(Surv(ifelse(e == 1, t - 0.001, t), 1 - e) ~ 1, d)
G <- function(u) summary(g, times = u, extend = TRUE)$surv
own <- sapply(d$t - 0.5, G)
for (u in c(4, 8)) {
  case <- d$e == 1 & d$t <= u; left <- d$t > u
  say(paste0("brier", u), mean(ifelse(case, (1 - d$p)^2 / own, ifelse(left, d$p^2 / G(u), 0))))
}
h <- read.csv("large.csv")
put("large", concordance(Surv(start, stop, e) ~ x + strata(s), h, weights = w, cluster = id))
put("large_plain", concordance(Surv(stop, e) ~ z, h))
"""


@pytest.fixture(scope="module")
def r_answers(run_r):
    random = np.random.default_rng(77)
    n = 300
    x = random.normal(size=n).round(1)
    fate, leave = random.exponential(7 * np.exp(0.6 * x)), random.exponential(12, n)
    frame = pd.DataFrame(
        {
            "x": x,
            "t": np.ceil(np.minimum(fate, leave)).clip(max=14).astype(int),
            "e": ((fate <= leave) & (fate <= 14)).astype(int),
            "w": random.uniform(0.4, 2.5, n).round(2),
            "id": random.integers(0, 90, n),
        }
    )
    frame["p"] = (1 / (1 + np.exp(0.3 + 0.8 * x))).round(6)
    # Enough rows for the compiled path.
    n = 50_000
    large = pd.DataFrame(
        {
            "x": random.normal(size=n).round(2),
            "start": random.choice([0, 0, 3, 9], n),
            "s": random.choice(["n", "m", "s"], n),
            "w": random.uniform(0.4, 2.5, n).round(2),
            "id": random.integers(0, 9_000, n),
            "e": random.integers(0, 2, n),
        }
    )
    large["stop"] = large["start"] + np.ceil(random.exponential(12 * np.exp(0.4 * large["x"]))).astype(int)
    large["z"] = (large["x"] + random.normal(size=n)).round(9)
    return frame, large, run_r(SCRIPT, {"data": frame, "large": large})


def agree(found, theirs):
    ours = [found.estimate, found.std_error]
    np.testing.assert_allclose(ours, theirs[:2], rtol=1e-8)
    counts = [found.concordant, found.discordant, found.tied_x, found.tied_y, found.tied_xy]
    np.testing.assert_allclose(counts, theirs[2:], rtol=1e-8)


@pytest.mark.r
def test_uno_on_fresh_data(r_answers):
    frame, _, r = r_answers
    agree(uno_concordance(frame, "x", "t", "e", conservative=True), r["uno"])
    found = uno_concordance(frame, "x", "t", "e", tau=8, weights="w", cluster="id", conservative=True)
    agree(found, r["uno_tau"])


@pytest.mark.r
def test_compiled_concordance_on_fresh_data(r_answers):
    _, large, r = r_answers
    found = concordance(large, "x", "stop", "e", start="start", strata="s", weights="w", cluster="id")
    agree(found, r["large"])
    agree(concordance(large, "z", "stop", "e"), r["large_plain"])


@pytest.mark.r
def test_binary_measures_on_fresh_data(r_answers):
    frame, _, r = r_answers
    found = auc(frame, "x", "e", weights="w", cluster="id")
    size = frame["id"].nunique()
    # R leaves out the factor for G clusters.
    ours = [found.estimate, found.std_error * np.sqrt((size - 1) / size)]
    np.testing.assert_allclose(ours, r["auc"][:2], rtol=1e-8)
    fit = calibration(frame, "p", "e")
    np.testing.assert_allclose([fit.intercept.estimate, fit.intercept.std_error], r["intercept"], rtol=1e-8)
    np.testing.assert_allclose([fit.slope.estimate, fit.slope.std_error], r["slope"], rtol=1e-8)


@pytest.mark.r
def test_brier_score_on_fresh_data(r_answers):
    frame, _, r = r_answers
    found = time_dependent_brier(frame, ["p", "p"], "t", "e", [4, 8])
    np.testing.assert_allclose(found.estimate, [r["brier4"][0], r["brier8"][0]], rtol=1e-8)
