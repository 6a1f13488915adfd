"""The wheel alone, in an environment of its own and an empty folder, studies a user's own file."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel_home(tmp_path_factory, root):
    """Build the wheel, install it without its dependencies, and lend it this environment's packages but not our source."""
    home = tmp_path_factory.mktemp("wheel")
    source = home / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, source)
    for name in ("src", "notebooks"):
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(home / "dist"), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = (home / "dist").glob("*.whl")
    venv.create(home / "env")
    python = home / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, text=True)
    own = Path(subprocess.run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                              check=True, capture_output=True, text=True).stdout.strip())  # fmt: skip
    # A plain path line: packages are found there, but the .pth file of an editable install is not read.
    (own / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    shutil.rmtree(source)
    return home


def run(home: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"), "COLUMNS": "120"}
    environment.pop("PYTHONPATH", None)
    command = [str(home / "env" / "bin" / "whychurn"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def test_new_check_report_verify_in_an_empty_folder(wheel_home, tmp_path):
    where = [str(wheel_home / "env" / "bin" / "python"), "-c", "import whychurn; print(whychurn.__file__)"]
    home = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert str(wheel_home) in home
    rng = np.random.default_rng(1)
    n = 400
    plan = rng.choice(["basic", "pro"], n)
    leaves = rng.exponential(np.where(plan == "basic", 12, 40))
    followed = rng.uniform(1, 36, n)
    frame = pd.DataFrame({"customer": [f"C{i:04d}" for i in range(n)], "tenure_months": np.ceil(np.minimum(leaves, followed)).astype(int),
                          "churned": np.where(leaves <= followed, "yes", "no"), "plan": plan, "seats": rng.integers(1, 60, n)})  # fmt: skip
    folder = tmp_path / "ours"
    folder.mkdir()
    frame.to_csv(folder / "customers.csv", index=False)
    made = run(wheel_home, tmp_path, "new", "ours", "--notebooks")
    assert made.returncode == 0, made.stderr
    assert sorted(path.name for path in (folder / "notebooks").glob("*.ipynb"))[0] == "01_causes.ipynb"
    for copy in sorted((folder / "notebooks").glob("*.ipynb"))[2:]:
        copy.unlink()  # the report uses the study's own notebooks: two are enough here
    checked = run(wheel_home, tmp_path, "check", "ours")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    built = run(wheel_home, tmp_path, "report", "ours", "--workers", "1")
    assert built.returncode == 0, built.stderr
    index = tmp_path / "reports" / "ours" / "index.html"
    assert "basic" in index.read_text(encoding="utf-8")
    assert sorted(page.name for page in index.parent.glob("0*.html")) == ["01_causes.html", "02_data_quality.html"]
    again = run(wheel_home, tmp_path, "verify", "reports/ours", "--workers", "1")
    assert again.returncode == 0, again.stdout + again.stderr
