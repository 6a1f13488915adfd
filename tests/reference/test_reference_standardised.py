"""Standardised survival against riskRegression's average treatment effect."""

import numpy as np

from whychurn.models import fit_cox, standardised_survival


def test_standardised_risks_by_sex(case, data, close):
    r = case("ate_lung_breslow")
    frame = data("lung_cc")
    frame = frame.assign(
        status=(frame["status"] == frame["status"].max()).astype(int),
        time=frame["time"] + np.arange(1, len(frame) + 1) / 1000,
        sex=frame["sex"].astype(str),
    )
    fit = fit_cox(frame, ["age", "sex", "ph.ecog"], "time", "status", ties="breslow")
    found = standardised_survival(fit, {sex: frame.assign(sex=sex) for sex in ("1", "2")}, r["times"])
    close(1.0 - found.curves["survival"].to_numpy().reshape(2, 3), r["risk"])
    close(found.curves["std_error"].to_numpy().reshape(2, 3), r["se"])
    close(-found.contrasts["difference"], r["difference"])
    close(found.contrasts["std_error"], r["difference_se"])
    close(found.contrasts["p_value"], r["p"], tolerance=1e-7)  # a tail probability magnifies the error of z
