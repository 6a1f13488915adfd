"""What the notebooks show of a study of tables: analysis -> its drawings, read from the notebooks themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _pages() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if "flat" in notebook["metadata"]["whychurn"]["needs"]:
            continue
        code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
        held = dict(re.findall(r'(\w+) = wc\.record\(wc\.analyse\("(\w+)"', code))
        for variable, analysis in held.items():
            found[analysis] = tuple(re.findall(rf"display\.(\w+)\({variable}\b", code))
    return found


TABLE_PAGES = _pages()
