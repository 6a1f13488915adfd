"""Keep BLAS to one thread where many small products follow each other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from threadpoolctl import threadpool_limits

from whychurn.models.kernels import COMPILED_FROM


def one_blas_thread(rows: int) -> AbstractContextManager[object]:
    """Return a context in which BLAS runs on one thread, for fits of so many rows.

    Between small products the waiting threads of BLAS spin: on a busy machine they burnt ten times the processor
    time of the products. Small fits are over before that matters.
    """
    return threadpool_limits(1, user_api="blas") if rows >= COMPILED_FROM else nullcontext()
