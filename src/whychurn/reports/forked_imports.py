"""Imported by the fork server for its side effect: everything a notebook needs is imported."""

from whychurn.reports.forked import preload

preload()
