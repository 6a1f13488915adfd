"""What is a customer worth, and what is keeping one worth?"""

from __future__ import annotations

from whychurn.analyses.value.answer import run

__all__ = ["run"]
