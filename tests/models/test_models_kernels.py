"""Compiled loops: they work where nothing can be cached, and small fits never load numba."""

import subprocess
import sys

import numba
import numpy as np

from whychurn.models.kernels import jit


def total(values):
    """Add up."""
    sum_ = 0.0
    for value in values:
        sum_ += value
    return sum_


def test_a_place_without_a_cache_compiles_anyway(monkeypatch):
    plain = numba.njit

    def nowhere(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return plain(*args, **options)

    monkeypatch.setattr(numba, "njit", nowhere)
    assert jit.compiled(total)(np.arange(4.0)) == 6.0


def test_small_fits_do_not_load_numba():
    script = (
        "import sys, pandas as pd, whychurn.models as m\n"
        "f = pd.DataFrame({'t': [1, 2, 3, 4, 5, 6], 'e': [1, 0, 1, 1, 0, 1], 'x': [0, 1, 1, 0, 0, 1]})\n"
        "fit = m.fit_cox(f, ['x'], 't', 'e'); fit.concordance(); m.fit_kaplan_meier(f, 't', 'e')\n"
        "m.logrank_test(f, 't', 'e', 'x'); m.fit_logistic(f, ['x'], 'e')\n"
        "assert 'numba' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
