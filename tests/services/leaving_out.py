"""Leaving tests out when a service they need is not on this machine, and saying so in one line.

``TENURE_TEST_REQUIRE_ALL=1`` (set by ``.ci/run``) makes every skipped test a failure instead, but for those of
something optional, which no package brings.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NoReturn

import pytest

_PREFIX = "left out: "
_OPTIONAL_PREFIX = "left out, as it is optional: "


def everything_is_required() -> bool:
    """Whether a test that cannot run is a failure."""
    return os.environ.get("TENURE_TEST_REQUIRE_ALL", "") not in ("", "0")


def leave_out(what: str, why: str) -> NoReturn:
    """Skip the test, naming the missing service and the reason: ``leave_out("PostgreSQL", "no initdb")``."""
    pytest.skip(f"{_PREFIX}{what} ({why})")


def leave_out_optional(what: str, how: str) -> NoReturn:
    """Skip the test even where everything is required, saying how to have it run."""
    pytest.skip(f"{_OPTIONAL_PREFIX}{what} ({how})")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why the test or module was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")


def fail_if_everything_is_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; an expected failure (xfail), which pytest reports as skipped too, stays one."""
    if report.skipped and not hasattr(report, "wasxfail") and everything_is_required():
        reason = reason_of(report)
        if reason.startswith(_OPTIONAL_PREFIX):
            return
        report.outcome = "failed"
        report.longrepr = f"TENURE_TEST_REQUIRE_ALL is set, but this would not run: {reason}"


def summary_line(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> str | None:
    """The line that names each missing service once, and one for what is optional; None when nothing was left out."""
    reasons = [reason_of(report) for report in skipped]
    services, optional = _named(reasons, _PREFIX), _named(reasons, _OPTIONAL_PREFIX)
    lines = [f"{services}; .ci/run leaves nothing out"] if services else []
    return "\n".join([*lines, optional] if optional else lines) or None


def _named(reasons: Iterable[str], prefix: str) -> str:
    names = sorted({reason.removeprefix(prefix) for reason in reasons if reason.startswith(prefix)})
    return f"{prefix}{', '.join(names)}" if names else ""
