"""The rooms stay apart: the contracts hold, and each one fails on a violation planted in a copy of the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLANTED = {
    "flow": ("sources/planted.py", "from whychurn.panel import build_panel"),
    "models-pure": ("models/planted.py", "from whychurn.findings import Findings"),
    "display-findings-only": ("display/planted.py", "from whychurn.models import fit_cox"),
    "reports-run-notebooks": ("reports/planted.py", "from whychurn.analyses import analyse"),
    "pictures-in-display": ("analyses/planted.py", "import matplotlib"),
    "sql-in-engine": ("analyses/planted.py", "import duckdb"),
    "findings-leaf": ("findings.py", "from whychurn.models import fit_cox"),
}


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    if contract:
        command += ["--contract", contract]
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(root / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", folder)
    return folder


def test_all_contracts_hold(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(PLANTED)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_each_contract_fails_on_a_planted_violation(copy, contract):
    name, line = PLANTED[contract]
    file = copy / "src" / "whychurn" / name
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text((before or '"""Planted."""\n') + f"\n{line}\n", encoding="utf-8")
    try:
        done = lint(copy, contract)
        assert done.returncode != 0, f"{contract} did not notice: {line}"
        assert "BROKEN" in done.stdout
    finally:
        file.unlink() if before is None else file.write_text(before, encoding="utf-8")
