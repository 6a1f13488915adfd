"""One module per question. Each returns Findings; adding one means a module, a registry line, a notebook."""

from whychurn.analyses.registry import ANALYSES, analyse

__all__ = ["ANALYSES", "analyse"]
