"""How installing went, for the vendor: kept until the server has taken it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tenure_client.errors import LicenceError, ServerUnreachable, TenureClientError
from tenure_client.state import State
from tenure_client.transport import Transport
from tenure_signing.names import ProductName
from tenure_signing.versions import Version, parse_version

MAX_KEPT = 20
"""Older reports give way to newer ones."""

_DETAIL_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
_MEMBERS = ("version", "from_version", "outcome", "detail_code")


class Outcome(StrEnum):
    """How installing a release went."""

    INSTALLED = "installed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class InstallReport:
    """Raises ``ValueError`` for a detail code that is not 1 to 40 of a-z, 0-9, ``.``, ``_`` and ``-``."""

    version: Version
    from_version: Version | None
    outcome: Outcome
    detail_code: str | None

    def __post_init__(self) -> None:
        if self.detail_code is not None and not _DETAIL_CODE.fullmatch(self.detail_code):
            raise ValueError("a detail code is 1 to 40 of a-z, 0-9, '.', '_' and '-', and nothing personal")


def kept_reports(state: State) -> list[InstallReport]:
    """Those that the server has not taken yet, oldest first; what cannot be read is left out."""
    try:
        found = json.loads(state.reports() or "[]")
        return [_report(*(each[name] for name in _MEMBERS)) for each in found][-MAX_KEPT:]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def keep_reports(state: State, reports: Sequence[InstallReport]) -> None:
    """Exactly these, the newest of them if they are too many. Raises ``StateError``."""
    kept = [{name: _text(getattr(each, name)) for name in _MEMBERS} for each in reports[-MAX_KEPT:]]
    state.keep_reports(json.dumps(kept) if kept else None)


def send_kept_reports(state: State, transport: Transport, product: ProductName, licence_key: str) -> bool:
    """Sends what is kept, oldest first; whether nothing is left. Raises nothing but ``StateError``.

    What the server refuses as such is given up; what it cannot take at present, or not from this licence, waits.
    """
    waiting = kept_reports(state)
    while waiting:
        try:
            _send(waiting[0], state.install_id(), transport, product, licence_key)
        except (ServerUnreachable, LicenceError):
            return False
        except TenureClientError:
            pass
        waiting = waiting[1:]
        keep_reports(state, waiting)
    return True


def _send(report: InstallReport, install_id: str, transport: Transport, product: ProductName, licence_key: str) -> None:
    body = {
        "product": product,
        "from_version": _text(report.from_version),
        "to_version": str(report.version),
        "outcome": report.outcome,
        "install_id": install_id,
        "detail_code": report.detail_code,
    }
    with transport.post("/v1/install-reports", json.dumps(body).encode(), licence_key=licence_key) as response:
        response.require_success()


def _report(version: str, from_version: str | None, outcome: str, detail_code: str | None) -> InstallReport:
    before = parse_version(from_version) if from_version is not None else None
    return InstallReport(parse_version(version), before, Outcome(outcome), detail_code)


def _text(value: object) -> str | None:
    return str(value) if value is not None else None
