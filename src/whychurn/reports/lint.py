"""Hold notebooks to the house rules: thin, stripped, deterministic, and no typed numbers.

``python -m whychurn.reports.lint notebooks`` lists every breach and exits 1 if there is one; with ``--fix`` it
first strips outputs and sets the cell ids.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whychurn.errors import NotebookError
from whychurn.reports.needs import KEY, SECTION, problem_of
from whychurn.reports.notebooks import PARAMETERS_TAG, declared_needs, parameter_values, source_of

MOST_LINES = 6
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}

_BANNED: dict[type[ast.AST], str] = {
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.If: "if",
    ast.IfExp: "if",
    ast.Match: "match",
    ast.Try: "try",
    ast.TryStar: "try",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.Lambda: "lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
}
#: Parts of Markdown in which a digit is no typed number: code, links, addresses, names such as 01_overview.
_NOT_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~|`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|\bhttps?://\S+|\b\d\d_[A-Za-z]\w*(?:\.\w+)?", re.S
)
_TYPED = re.compile(r"(?<![\w.])[+-]?\d")


def lint_notebook(path: Path) -> list[str]:
    """Return every breach of the house rules in a notebook, as ``name, cell n: what is wrong``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = content["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{path.name}: cannot be read as a notebook ({error})"]
    problems = [f"{path.name}: {problem}" for problem in _whole(content, cells, path.name)]
    for number, (cell, expected) in enumerate(zip(cells, cell_ids(cells), strict=True), start=1):
        problems += [f"{path.name}, cell {number}: {problem}" for problem in _cell(cell, expected)]
    return problems


def fix_notebook(path: Path) -> bool:
    """Strip outputs, counts and personal metadata, set the cell ids; return whether the file changed."""
    before = path.read_text(encoding="utf-8")
    content = json.loads(before)
    for cell, identity in zip(content["cells"], cell_ids(content["cells"]), strict=True):
        tags = cell.get("metadata", {}).get("tags")
        cell["id"] = identity
        cell["metadata"] = {"tags": tags} if tags else {}
        cell["source"] = source_of(cell).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"], cell["outputs"] = None, []
    content["metadata"] = _metadata(content)
    content["nbformat"], content["nbformat_minor"] = 4, 5
    after = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def _metadata(content: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata a notebook may have: the kernel, and its needs where it declares them."""
    own = content.get("metadata", {}).get(SECTION, {})
    if not isinstance(own, dict):
        return {**_METADATA, SECTION: own}
    return {**_METADATA, SECTION: {KEY: own[KEY]}} if KEY in own else _METADATA


def cell_ids(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Return the id each cell must have: twelve digits of its content's SHA-256, counted where it repeats."""
    seen: dict[str, int] = {}
    ids = []
    for cell in cells:
        content = f"{cell.get('cell_type', '')}\n{source_of(cell)}"
        identity = hashlib.sha256(content.encode()).hexdigest()[:12]
        seen[identity] = seen.get(identity, 0) + 1
        ids.append(identity if seen[identity] == 1 else f"{identity}-{seen[identity]}")
    return ids


def _whole(content: dict[str, Any], cells: list[dict[str, Any]], name: str) -> Iterator[str]:
    first = cells[0] if cells else {}
    if first.get("cell_type") != "markdown" or not source_of(first).startswith("# "):
        yield "the first cell is not a title ('# ' and words)"
    try:
        parameter_values(cells, name)
    except NotebookError as error:
        yield str(error)
    if content.get("metadata") != _metadata(content):
        yield "its metadata name more than the python3 kernel and its needs (run with --fix)"
    problem = problem_of(declared_needs(content))
    if problem:
        yield f"{problem} (metadata whychurn.needs)"


def _cell(cell: dict[str, Any], expected: str) -> Iterator[str]:
    if cell.get("id") != expected:
        yield f"its id is {cell.get('id')!r}, not derived from its content (run with --fix)"
    source = source_of(cell)
    if cell.get("cell_type") == "markdown":
        yield from _prose(source)
    if cell.get("cell_type") != "code":
        return
    if cell.get("outputs"):
        yield "it holds outputs (run with --fix)"
    if cell.get("execution_count") is not None:
        yield "it holds an execution count (run with --fix)"
    if PARAMETERS_TAG not in cell.get("metadata", {}).get("tags", []):
        yield from _code(source)


def _prose(source: str) -> Iterator[str]:
    for line in _NOT_PROSE.sub(" ", source).splitlines():
        text = re.sub(r"^\s*\d+\.\s", "", line)  # the number of a list entry is markup
        if re.search(r"\d", text):
            yield f"typed number in prose: {line.strip()[:60]!r}; render it from a finding instead"


def _code(source: str) -> Iterator[str]:
    lines = [line for line in source.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        yield f"{len(lines)} lines of code; at most {MOST_LINES}, move the rest into the package"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"not plain Python: {error.msg} in line {error.lineno}"
        return
    for node in ast.walk(tree):
        word = _BANNED.get(type(node))
        if word:
            yield f"{word} in line {getattr(node, 'lineno', 1)}; logic belongs in the package"
        for name in _bound(node):
            if name == "C":
                yield "a variable named C; it breaks formulas such as C(plan)"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _TYPED.search(node.value):
            yield f"typed number in a text: {node.value[:60]!r}; render it from a finding instead"


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name


def main(arguments: Sequence[str] | None = None) -> int:
    """Lint the notebooks named (files or folders) and return 0, or 1 if a rule is broken."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    paths: list[Path] = []
    for place in (Path(name) for name in given if name != "--fix"):
        paths += sorted(place.glob("*.ipynb")) if place.is_dir() else [place]
    if not paths:
        print("No notebook to lint; name a folder or a file.", file=sys.stderr)
        return 1
    if "--fix" in given:
        for path in paths:
            if fix_notebook(path):
                print(f"fixed {path.name}")
    problems = [problem for path in paths for problem in lint_notebook(path)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
