"""Which notebooks make the report, and what each one says about itself."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whychurn.errors import NotebookError, some

PARAMETERS_TAG = "parameters"
_PACKAGED = Path(__file__).resolve().parents[1] / "_notebooks"
NUMBERED = re.compile(r"\d\d_[A-Za-z0-9_-]+\.ipynb")


@dataclass(frozen=True, slots=True)
class NotebookFolder:
    """A folder of numbered notebooks and why it was chosen (given, study, checkout or packaged)."""

    kind: str
    path: Path

    @property
    def whose(self) -> str:
        """Whose notebooks these are, in words."""
        words = {"study": f"the study's own, in {self.path}", "given": f"those given, in {self.path}"}
        return words.get(self.kind, "whychurn's")


@dataclass(frozen=True, slots=True)
class Notebook:
    """One numbered notebook as it lies on disk.

    Attributes
    ----------
    name : str
        File name without its ending, such as ``02_retention``; also the name of its page.
    sha256 : str
        Fingerprint of what the notebook does: its cells' types and sources, not its outputs.
    parameters : tuple of str
        Names that the parameters cell defines.
    needs : tuple of str
        What it needs of a study, as its metadata say (``whychurn.needs``); nothing fits any study.
    title, summary : str
        Its first heading and the paragraph after it, as plain text; "" where it has none.
    """

    name: str
    path: Path
    sha256: str
    parameters: tuple[str, ...]
    needs: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""


def checkout() -> Path | None:
    """Return the root of the source checkout this package runs from, or None when it is installed."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "pyproject.toml").is_file() and (root / "src" / "whychurn").is_dir() else None


def find_folder(study_folder: Path, given: Path | None = None) -> NotebookFolder:
    """Return the folder of notebooks: as given, else the study's own, else those of whychurn.

    Raises
    ------
    NotebookError
        If no folder holds a numbered notebook such as ``01_overview.ipynb``.
    """
    if given is not None:
        if not _numbered(given):
            raise NotebookError(f"{given} holds no numbered notebook such as 01_overview.ipynb.")
        return NotebookFolder("given", given)
    choices = [("study", study_folder / "notebooks"), *_homes()]
    for kind, folder in choices:
        if _numbered(folder):
            return NotebookFolder(kind, folder)
    raise NotebookError(
        f"No numbered notebook was found; looked in {some((str(folder) for _, folder in choices), 4)}. "
        "Reinstall whychurn, or name a folder of notebooks."
    )


def read_notebooks(folder: NotebookFolder, parameters: dict[str, Any]) -> tuple[Notebook, ...]:
    """Read every numbered notebook in order and hold its parameters cell against `parameters`.

    Raises
    ------
    NotebookError
        If a notebook is not JSON, has not exactly one cell tagged ``parameters``, or does not know a
        parameter that it would be given.
    """
    found = []
    for path in _numbered(folder.path):
        content = _content(path)
        cells = content["cells"]
        known = tuple(parameter_values(cells, path.name))
        unknown = [name for name in parameters if name not in known]
        if unknown:
            raise NotebookError(
                f"Notebook {path.name} does not know the parameter {some(repr(name) for name in unknown)}; "
                f"its parameters cell defines {some(known, 6) or 'nothing'}. Add the name there with a "
                "default value."
            )
        title, summary = title_and_summary(source_of(cells[0]) if cells else "")
        found.append(Notebook(path.stem, path, _fingerprint(cells), known, declared_needs(content), title, summary))
    return tuple(found)


def copy_notebooks(study_folder: Path) -> tuple[list[str], list[str]]:
    """Copy whychurn's notebooks into ``<study folder>/notebooks``; a file that is there is never overwritten.

    Opened there in JupyterLab, a copy finds its study one folder up.

    Returns
    -------
    tuple of two lists of str
        Names copied, and names left as they were.
    """
    target = study_folder / "notebooks"
    source = next((path for _, path in _homes() if _numbered(path)), None)
    if source is None:
        raise NotebookError("The notebooks of whychurn were not found; install whychurn again.")
    target.mkdir(parents=True, exist_ok=True)
    copied: list[str] = []
    kept: list[str] = []
    for path in _numbered(source):
        try:
            with (target / path.name).open("xb") as stream:
                stream.write(_for_study(path.read_bytes()))
            copied.append(path.name)
        except FileExistsError:
            kept.append(path.name)
    return copied, kept


def is_whychurns(path: Path) -> bool:
    """Whether a notebook is the one of that name that comes with whychurn, but for its parameters.

    Metadata count: a tag can change what is run. A parameters cell holds literals that every run replaces.
    """
    originals = [folder / path.name for _, folder in _homes()]
    own = _without_parameters(path)
    return any(original.is_file() and _without_parameters(original) == own for original in originals)


def _without_parameters(path: Path) -> dict[str, Any]:
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []):
            cell["source"] = ""
    return book


def _for_study(content: bytes) -> bytes:
    """Let a notebook's parameters cell name the folder above it as the study."""
    book = json.loads(content)
    for cell in book["cells"]:
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []):
            cell["source"] = [
                'study = ".."\n' if line.startswith("study =") else line
                for line in source_of(cell).splitlines(keepends=True)
            ]
    return (json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def parameter_values(cells: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the names and literal values that the one parameters cell defines.

    Raises
    ------
    NotebookError
        If there is no such cell, more than one, or it holds more than plain assignments of literals.
    """
    tagged = [
        (number, cell)
        for number, cell in enumerate(cells, start=1)
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", [])
    ]
    if len(tagged) != 1:
        found = "no cell" if not tagged else f"{len(tagged)} cells"
        raise NotebookError(
            f"Notebook {name} has {found} tagged 'parameters'; it needs exactly one. In JupyterLab: select "
            "the cell with study = ..., open the property inspector, and add the tag parameters."
        )
    number, cell = tagged[0]
    try:
        tree = ast.parse(source_of(cell))
        values = {}
        for statement in tree.body:
            if not (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            ):
                raise ValueError(ast.unparse(statement))
            values[statement.targets[0].id] = ast.literal_eval(statement.value)
    except (SyntaxError, ValueError) as error:
        raise NotebookError(
            f"Notebook {name}, cell {number}: the parameters cell may hold only lines such as "
            f'study = "data/telco" ({str(error).splitlines()[0]}).'
        ) from None
    return values


def declared_needs(content: dict[str, Any]) -> Any:
    """Return what a notebook's metadata say it needs: a tuple of words, or whatever else stands there."""
    own = content.get("metadata", {}).get("whychurn", {})
    needs = own.get("needs", []) if isinstance(own, dict) else own
    return tuple(needs) if isinstance(needs, list) else needs


def title_and_summary(source: str) -> tuple[str, str]:
    """Return the title of a notebook's first cell and the paragraph after it as plain text; "" without a title."""
    lines = source.strip().splitlines()
    if not lines or not lines[0].startswith("# "):
        return "", ""
    rest = "\n".join(lines[1:]).strip()
    paragraph = re.split(r"\n\s*\n", rest)[0] if rest else ""
    return _plain(lines[0][2:]), _plain(paragraph)


def _plain(markdown: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text).split())


def source_of(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _homes() -> list[tuple[str, Path]]:
    """Where the notebooks of whychurn may lie, by kind."""
    root = checkout()
    return [*([("checkout", root / "notebooks")] if root else []), ("packaged", _PACKAGED)]


def _numbered(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if NUMBERED.fullmatch(path.name))


def _content(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cells = content["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotebookError(f"Notebook {path.name} cannot be read as a notebook: {error}.") from None
    if not isinstance(cells, list):
        raise NotebookError(f"Notebook {path.name} cannot be read as a notebook: its cells are not a list.")
    return content


def _fingerprint(cells: list[dict[str, Any]]) -> str:
    """Hash what a notebook does. Its parameters cell holds literals that every run replaces, so it does not count."""
    cells = [cell for cell in cells if PARAMETERS_TAG not in cell.get("metadata", {}).get("tags", [])]
    content = [[cell.get("cell_type", ""), source_of(cell)] for cell in cells]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
