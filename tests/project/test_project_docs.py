"""Code in the documentation runs."""

import re

import pytest


@pytest.mark.parametrize("page", ["docs/models.md"])
def test_examples_run(root, page):
    blocks = re.findall(r"```python\n(.*?)```", (root / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), scope)


def test_every_public_estimator_is_in_the_guide(root):
    import whychurn.models as models

    text = (root / "docs/models.md").read_text(encoding="utf-8")
    verbs = [name for name in models.__all__ if name[0].islower()]
    unnamed = [name for name in verbs if name not in text]
    assert unnamed == ["accuracy_difference", "smallest_detectable_hazard_ratio", "smooth_calibration"]
