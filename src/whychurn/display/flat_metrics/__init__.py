"""Drawings of the page on metrics of a file with one row per customer."""
