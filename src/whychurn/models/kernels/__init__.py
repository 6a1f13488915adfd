"""Compiled inner loops, each the twin of a NumPy expression that small inputs use.

numba takes about half a second to import, so nobody imports a module of this package at the top of a file:
an estimator imports its kernel where it has at least `COMPILED_FROM` rows. The machine code is cached on disk.
"""

COMPILED_FROM = 50_000
