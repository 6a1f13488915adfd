from __future__ import annotations

import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def checkout(root):
    """The validation is no part of the package: it is found from the checkout."""
    sys.path.insert(0, str(root))
    yield
    sys.path.remove(str(root))
