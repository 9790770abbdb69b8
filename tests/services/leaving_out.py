"""Leaving tests out when a service they need is not on this machine, and saying so in one line.

``TENURE_TEST_REQUIRE_ALL=1`` (set by ``.ci/run``) makes every skipped test a failure instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NoReturn

import pytest

_PREFIX = "left out: "


def everything_is_required() -> bool:
    """Whether a test that cannot run is a failure."""
    return os.environ.get("TENURE_TEST_REQUIRE_ALL", "") not in ("", "0")


def leave_out(what: str, why: str) -> NoReturn:
    """Skip the test, naming the missing service and the reason: ``leave_out("PostgreSQL", "no initdb")``."""
    pytest.skip(f"{_PREFIX}{what} ({why})")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why the test or module was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")


def fail_if_everything_is_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; an expected failure (xfail), which pytest reports as skipped too, stays one."""
    if report.skipped and not hasattr(report, "wasxfail") and everything_is_required():
        reason = reason_of(report)
        report.outcome = "failed"
        report.longrepr = f"TENURE_TEST_REQUIRE_ALL is set, but this would not run: {reason}"


def summary_line(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> str | None:
    """The one line that names each missing service once, or None when nothing was left out."""
    reasons = sorted({reason.removeprefix(_PREFIX) for r in skipped if (reason := reason_of(r)).startswith(_PREFIX)})
    return f"{_PREFIX}{', '.join(reasons)}; .ci/run leaves nothing out" if reasons else None
