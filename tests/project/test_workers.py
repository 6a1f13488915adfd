"""What is slow to build is built once: the tests of one xdist_group share a worker."""

import os

import pytest
from shared_workers import LONGEST_FIRST, group_of

pytestmark = pytest.mark.xdist_group("shared workers")


@pytest.mark.parametrize("number", range(4))
def test_a_group_stays_on_one_worker(request, tmp_path_factory, number):
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("needs workers that share groups (make test)")
    worker = os.environ["PYTEST_XDIST_WORKER"]
    seen = tmp_path_factory.getbasetemp().parent / "workers-of-one-group"
    with seen.open("a", encoding="utf-8") as stream:
        stream.write(worker + "\n")
    assert set(seen.read_text(encoding="utf-8").split()) == {worker}


def test_a_group_is_read_from_the_mark_of_its_file(root):
    marked = {group_of(file) for file in (root / "tests").rglob("test_*.py") if file.name != "test_workers.py"}
    assert marked >= {*LONGEST_FIRST, None}
    assert group_of(root / "tests" / "telco" / "test_telco_report.py") == "telco report"


def test_two_groups_in_one_file_are_refused(tmp_path):
    file = tmp_path / "test_two.py"
    file.write_text("".join(f'pytest.mark.xdist_group("{name}")\n' for name in "ab"))
    with pytest.raises(AssertionError, match="one group for a file"):
        group_of(file)
