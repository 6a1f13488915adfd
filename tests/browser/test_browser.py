from __future__ import annotations

import checks
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("synthetic report")]


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_a_report_in_a_browser(browser, report, check):
    check(browser, report)


@pytest.mark.parametrize(
    ("width", "scheme", "code"),
    [
        (checks.LAPTOP, "light", False),
        (checks.LAPTOP, "light", True),
        (checks.LAPTOP, "dark", True),
        (checks.PHONE, "light", True),
        (checks.PHONE, "dark", False),
    ],
)
def test_axe_finds_no_violation(browser, report, width, scheme, code):
    checks.no_violations(browser, report, width, scheme, code)


@pytest.mark.parametrize("width", [320, 600, 768, 1024])
def test_no_width_scrolls_sideways(browser, report, width):
    checks.no_sideways_scrolling(browser, report, width)
