"""Names that are loaded when first used stay what they are, whichever module was imported before."""

import pkgutil
from importlib import import_module

import pytest


@pytest.mark.parametrize("package", ["whychurn", "whychurn.display", "whychurn.reports"])
def test_no_public_name_is_also_a_module(package):
    # Importing a module sets it on its package, where it would stand before the function of that name.
    loaded = import_module(package)
    assert {found.name for found in pkgutil.iter_modules(loaded.__path__)} & set(loaded.__all__) == set()
