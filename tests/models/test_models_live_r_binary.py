"""Binary regression, tables and multiple testing on freshly generated data through R itself (base R only)."""

import numpy as np
import pandas as pd
import pytest

from whychurn.models import adjust_p_values, crosstab, fit_discrete_hazard, fit_firth, fit_logistic

SCRIPT = """
d <- read.csv("data.csv", stringsAsFactors = TRUE)
exact <- glm.control(epsilon = 1e-15, maxit = 100)
for (link in c("logit", "cloglog")) {
  f <- glm(y ~ x * g + z + offset(o), quasibinomial(link), d, weights = w, control = exact)
  # Once more from the optimum: the covariance then belongs to it and not to the step before.
  f <- update(f, start = coef(f))
  V <- summary(f, dispersion = 1)$cov.scaled
  X <- model.matrix(f); mu <- fitted(f); eta <- f$linear.predictors
  slope <- f$family$mu.eta(eta)
  U <- X * (d$w * (d$y - mu) * slope / (mu * (1 - mu)))
  say(paste0(link, "_coef"), coef(f)); say(paste0(link, "_model"), V)
  say(paste0(link, "_HC0"), V %*% crossprod(U) %*% V)
  S <- rowsum(U, d$id)
  say(paste0(link, "_cluster"), V %*% crossprod(S) %*% V * nrow(S) / (nrow(S) - 1))
  risk <- function(dd) {
    x <- model.matrix(delete.response(terms(f)), dd); e <- as.vector(x %*% coef(f)) + dd$o
    list(m = weighted.mean(f$family$linkinv(e), d$w), g = colSums(x * f$family$mu.eta(e) * d$w) / sum(d$w))
  }
  a <- risk(transform(d, g = factor("a", levels(d$g)))); b <- risk(transform(d, g = factor("c", levels(d$g))))
  g <- b$g - a$g
  say(paste0(link, "_ame"), c(b$m - a$m, sqrt(drop(t(g) %*% V %*% g))))
}
X <- model.matrix(~ x + g + z, d); b <- rep(0, ncol(X))
for (i in 1:400) {
  p <- plogis(as.vector(X %*% b) + d$o); I <- crossprod(X, X * (d$k * p * (1 - p)))
  h <- d$k * p * (1 - p) * rowSums((X %*% solve(I)) * X)
  b <- b + solve(I, crossprod(X, d$k * (d$s - p) + h * (0.5 - p)))
}
say("firth_coef", b); say("firth_cov", solve(I))
say("bh", p.adjust(d$p, "BH")); say("by", p.adjust(d$p, "BY")); say("holm", p.adjust(d$p, "holm"))
say("chisq", chisq.test(d$g, d$y, correct = FALSE)$statistic)
say("residuals", t(chisq.test(d$g, d$y, correct = FALSE)$stdres))
say("fisher", fisher.test(head(d$z, 14), head(d$y, 14))$p.value)
"""
PERIODS = """
d <- read.csv("spells.csv")
r <- d[rep(seq_len(nrow(d)), d$t - d$s), ]
r$k <- unlist(mapply(function(s, t) (s + 1):t, d$s, d$t))
r$e <- as.numeric(r$k == r$t & r$e == 1)
for (link in c("logit", "cloglog")) {
  f <- glm(e ~ factor(k) + x, binomial(link), r, control = glm.control(epsilon = 1e-15, maxit = 100))
  f <- update(f, start = coef(f))
  say(paste0(link, "_coef"), coef(f)); say(paste0(link, "_cov"), vcov(f))
}
"""


def agree(ours, theirs, scale):
    bound = 1e-8 * np.maximum(np.abs(theirs), np.ravel(scale))
    assert (np.abs(np.ravel(ours) - theirs) <= bound).all(), np.max(np.abs(np.ravel(ours) - theirs) / bound) * 1e-8


@pytest.fixture(scope="module")
def answers(run_r):
    random = np.random.default_rng(99)
    n = 350
    frame = pd.DataFrame(
        {
            "id": random.integers(0, 60, n),
            "x": random.normal(size=n).round(3),
            "z": random.integers(0, 2, n),
            "g": random.choice(list("abc"), n),
            "o": random.normal(scale=0.3, size=n).round(3),
            "w": random.uniform(0.4, 2.5, n).round(3),
            "k": random.integers(1, 4, n),
            "p": random.uniform(size=n).round(3) ** 3,
        }
    )
    eta = -0.8 + 0.6 * frame["x"] + 0.5 * (frame["g"] == "b") + frame["o"]
    frame["y"] = (random.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    # Separated: nobody of group c has this outcome.
    frame["s"] = frame["y"].where(frame["g"] != "c", 0)
    return frame, run_r(SCRIPT, {"data": frame})


@pytest.mark.r
@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_binary_regression_on_fresh_data(answers, link):
    frame, r = answers
    options = {"weights": "w", "offset": "o", "link": link}
    # R orders main effects before interactions.
    terms = ["x", "g", "z", "x:g"]
    for kind in ("model", "HC0", "cluster"):
        cluster = "id" if kind == "cluster" else None
        fit = fit_logistic(frame, terms, "y", covariance=kind, cluster=cluster, **options)
        order = ["Intercept", "x", "g[T.b]", "g[T.c]", "z", "x:g[T.b]", "x:g[T.c]"]
        agree(fit.params[order], r[f"{link}_coef"], fit.std_errors[order])
        scale = np.outer(fit.std_errors[order], fit.std_errors[order])
        agree(fit.covariance.loc[order, order], r[f"{link}_{kind}"], scale)
    fit = fit_logistic(frame, terms, "y", covariance="model", **options)
    effect = fit.average_marginal_effects("g").set_index("level").loc["c"]
    agree(effect[["estimate", "std_error"]].to_numpy(dtype=float), r[f"{link}_ame"], effect["std_error"])


@pytest.mark.r
def test_firth_on_fresh_data(answers):
    frame, r = answers
    fit = fit_firth(frame, ["x", "g", "z"], "s", weights="k", offset="o")
    agree(fit.params, r["firth_coef"], fit.std_errors)
    agree(fit.covariance, r["firth_cov"], np.outer(fit.std_errors, fit.std_errors))


@pytest.mark.r
def test_tables_on_fresh_data(answers):
    frame, r = answers
    for method in ("bh", "by", "holm"):
        np.testing.assert_allclose(adjust_p_values(frame["p"], method), r[method], rtol=1e-12)
    found = crosstab(frame, "g", "y")
    np.testing.assert_allclose(found.statistic, r["chisq"].item(), rtol=1e-12)
    np.testing.assert_allclose(np.ravel(found.adjusted_residuals), r["residuals"], rtol=1e-10)
    # R stops its search for Fisher's p-value at 1e-7.
    few = crosstab(frame.head(14), "z", "y")
    np.testing.assert_allclose(few.p_value_exact, r["fisher"].item(), rtol=1e-6)


@pytest.mark.r
def test_discrete_hazards_on_fresh_data(run_r):
    random = np.random.default_rng(7)
    n = 200
    frame = pd.DataFrame({"x": random.normal(size=n).round(3), "s": random.choice([0, 0, 1], n)})
    stay = np.ceil(random.exponential(3 * np.exp(-0.5 * frame["x"])))
    frame["t"] = (frame["s"] + np.minimum(stay, 3)).astype(int)
    frame["e"] = (stay <= 3).astype(int)
    r = run_r(PERIODS, {"spells": frame})
    for link in ("logit", "cloglog"):
        fit = fit_discrete_hazard(frame, ["x"], "t", "e", start="s", width=1, link=link)
        agree(fit.params, r[f"{link}_coef"], fit.std_errors)
        agree(fit.covariance, r[f"{link}_cov"], np.outer(fit.std_errors, fit.std_errors))
