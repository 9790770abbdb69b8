"""How rollouts are written by people: shares in percent, spans of time. RULES.md, Rollout."""

from __future__ import annotations

import re
from datetime import timedelta

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))? ?%?", re.ASCII)
_SPAN = re.compile(r"(\d{1,4}) ?(m|h|d)", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_share(text: str) -> int:
    """Basis points from a percentage with at most two decimals: ``12.5%``, ``0.01 %``. Raises ``ValueError``."""
    match = _PERCENT.fullmatch(text.strip())
    basis_points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match is not None else -1
    if not 0 <= basis_points <= 10_000:
        raise ValueError("a share is a percentage from 0 to 100 with at most two decimals, such as 12.5%")
    return basis_points


def show_share(basis_points: int) -> str:
    """``12.5 %``, ``100 %``, ``0.01 %``."""
    return f"{basis_points / 100:.2f}".rstrip("0").rstrip(".") + " %"


def parse_span(text: str) -> timedelta:
    """Minutes, hours or days: ``90m``, ``72h``, ``3d``. Raises ``ValueError``."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError("a span of time is written 90m, 72h or 3d")
    return int(match[1]) * _UNITS[match[2]]
