"""The project's own promises: one truth about versions, no address of any registry, thin files, no outputs in git."""

import json
import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lock(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    return text, dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_lock_names_no_address(lock):
    assert not re.search(r"https?://|index-url|find-links|file:", lock[0])


def test_every_pin_in_the_lock_has_a_hash(lock):
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock[0].strip()):
        assert "--hash=sha256:" in block, block[:80]


def test_lock_meets_every_requirement_of_the_project(project, lock):
    declared = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    pins = {canonicalize_name(name): version for name, version in lock[1].items()}
    for text in declared:
        requirement = Requirement(text)
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text}: the lock has {version}"


def test_environment_yml_only_points_to_the_lock(root, project):
    lines = [
        line for line in (root / "environment.yml").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert lines == [
        "name: whychurn", "channels:", "  - conda-forge", "dependencies:", "  - python=3.11", "  - pip", "  - pip:",
        "      - -r requirements.lock",
    ]  # fmt: skip
    assert project["requires-python"] == ">=3.11"


def test_the_pip_section_of_environment_yml_resolves_offline_against_this_environment(root):
    """Every pin of the lock that applies here is what is installed here, so the file installs what the tests ran on."""
    from importlib.metadata import version

    from packaging.markers import Marker

    text = (root / "requirements.lock").read_text(encoding="utf-8")
    for line in re.findall(r"^([A-Za-z0-9._-]+==[^\\\n]+)", text, re.MULTILINE):
        pin, _, marker = line.strip().rstrip("\\").partition(";")
        if marker and not Marker(marker.strip()).evaluate():
            continue
        name, _, wanted = pin.strip().partition("==")
        assert version(name) == wanted.strip(), f"{name}: installed {version(name)}, locked {wanted}"


def test_notebooks_are_committed_without_outputs(root):
    books = sorted((root / "notebooks").glob("*.ipynb"))
    assert books
    for book in books:
        cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
        assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


def test_notebooks_obey_their_rules(root):
    from whychurn.reports.lint import main

    assert main([str(root / "notebooks")]) == 0


def test_no_source_file_outgrows_a_sitting(root):
    long = {
        str(f.relative_to(root)): n
        for f in (root / "src").rglob("*.py")
        if (n := len(f.read_text().splitlines())) > 350
    }
    assert not long


def test_every_table_of_where_new_code_goes_names_real_rooms(root):
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for place in re.findall(r"`((?:src|tests|notebooks|docs)/[\w/.-]+)`", text):
        assert (root / place).exists(), place


def test_no_committed_file_names_this_machine_or_a_registry(root):
    done = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"index-url|find-links|extra-index|trusted-host|/simple\b")
    for name in done.stdout.split():
        if name.endswith((".toml", ".lock", ".yml", ".cfg", ".txt")) or name in ("Makefile", ".ci/run"):
            text = (root / name).read_text(encoding="utf-8")
            found = [line for line in text.splitlines() if pattern.search(line)]
            assert not found, (name, found)
