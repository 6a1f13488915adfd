"""Kernels that never answer are started again; notebooks that fail are not."""

import nbformat
import papermill
import pytest

from whychurn.reports import worker


@pytest.fixture()
def job(tmp_path):
    source = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), source)
    return {
        "source": str(source),
        "target": str(tmp_path / "done.ipynb"),
        "parameters": {},
        "cwd": str(tmp_path),
        "fork": False,
    }


def starts(monkeypatch, *failures):
    given, waiting = [], list(failures)

    def execute(notebook, *_, start_timeout, **__):
        given.append(start_timeout)
        if waiting:
            raise waiting.pop(0)
        return notebook

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    return given


def test_a_kernel_that_never_answers_is_started_again(monkeypatch, job):
    given = starts(monkeypatch, RuntimeError("Kernel didn't respond in 60 seconds"))
    assert worker.run(job) == {"done": job["target"]}
    assert given == [60, 120]
    assert nbformat.read(job["target"], as_version=4).cells == []


@pytest.mark.parametrize(
    ("failures", "message", "tries"),
    [
        ([RuntimeError("Kernel died before replying to kernel_info")] * 3, "Kernel died before", 3),
        ([RuntimeError("Kernel died")], "Kernel died", 1),
    ],
)
def test_other_failures_and_the_last_start_are_told(monkeypatch, job, failures, message, tries):
    given = starts(monkeypatch, *failures)
    answer = worker.run(job)["failed"]
    assert (answer["name"], len(given)) == ("RuntimeError", tries)
    assert answer["message"].startswith(message)
