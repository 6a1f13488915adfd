"""Proportional-odds regression and Brant's test on fresh data, through R: MASS's polr, and glm put together by hand."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_ordered_logit

SCRIPT = """
d <- read.csv("data.csv"); d$y <- factor(d$y, c("low", "middle", "high"), ordered = TRUE); d$g <- factor(d$g)
f <- polr(y ~ x + z + g, d, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
say("coef", coef(f)); say("zeta", f$zeta); say("vcov", vcov(f)); say("loglik", logLik(f))
X <- model.matrix(~ x + z + g, d); n <- as.integer(d$y)
exact <- glm.control(epsilon = 1e-15, maxit = 100)
p <- lapply(1:2, function(k) fitted(glm((n > k) ~ x + z + g, binomial, d, control = exact)))
b <- unlist(lapply(1:2, function(k) coef(glm((n > k) ~ x + z + g, binomial, d, control = exact))))
inverse <- function(q) solve(t(X) %*% (X * (q - q^2)))
mixed <- inverse(p[[1]]) %*% (t(X) %*% (X * (p[[2]] - p[[1]] * p[[2]]))) %*% inverse(p[[2]])
V <- rbind(cbind(inverse(p[[1]]), mixed), cbind(t(mixed), inverse(p[[2]])))
k <- ncol(X)
wald <- function(which) {
  D <- matrix(0, length(which), 2 * k)
  for (i in seq_along(which)) { D[i, which[i]] <- 1; D[i, k + which[i]] <- -1 }
  drop(t(D %*% b) %*% solve(D %*% V %*% t(D)) %*% (D %*% b))
}
say("brant", c(wald(2:k), wald(2), wald(3), wald(4:5)))
say("p", pchisq(c(wald(2:k), wald(2), wald(3), wald(4:5)), c(4, 1, 1, 2), lower.tail = FALSE))
"""


@pytest.fixture(scope="module")
def answers(run_r):
    random = np.random.default_rng(17)
    n = 500
    frame = pd.DataFrame({"x": random.normal(size=n).round(3), "z": random.normal(size=n).round(3)})
    frame["g"] = random.choice(list("abc"), n)
    eta = 0.8 * frame["x"] - 0.5 * frame["z"] + 0.6 * (frame["g"] == "c") + random.logistic(size=n)
    frame["y"] = np.array(["low", "middle", "high"], dtype=object)[np.digitize(eta, [-0.5, 0.9])]
    return frame, run_r(SCRIPT, {"data": frame}, ["MASS"])


@pytest.mark.r
def test_slopes_cut_points_and_errors_are_those_of_polr(answers):
    frame, r = answers
    fit = fit_ordered_logit(frame, ["x", "z", "g"], "y", ("low", "middle", "high"))
    # polr stops where its likelihood moves by rounding only, some 1e-7 off the optimum.
    assert fit.params.to_numpy() == pytest.approx(r["coef"], abs=2e-6)
    assert fit.cut_points.to_numpy() == pytest.approx(r["zeta"], abs=2e-6)
    assert fit.log_likelihood == pytest.approx(r["loglik"][0], abs=1e-9)
    order = [*fit.params.index, *fit.cut_points.index]
    ours = fit.covariance.loc[order, order].to_numpy()
    # Its Hessian comes from differences.
    assert ours.ravel() == pytest.approx(r["vcov"], rel=1e-4, abs=1e-6)


@pytest.mark.r
def test_the_parallel_test_is_brants(answers):
    frame, r = answers
    found = fit_ordered_logit(frame, ["x", "z", "g"], "y", ("low", "middle", "high")).parallel_test()
    tests = [found.overall, found.by_term["x"], found.by_term["z"], found.by_term["g"]]
    assert [test.statistic for test in tests] == pytest.approx(list(r["brant"]), rel=1e-7)
    assert [test.p_value for test in tests] == pytest.approx(list(r["p"]), rel=1e-6)
