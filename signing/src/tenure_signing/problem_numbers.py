"""Numbers of problem records, as a release names those that it fixes: ``P-17``. RULES.md, Support and maintenance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NewType

from tenure_signing.errors import InvalidName

ProblemNumber = NewType("ProblemNumber", str)

MAX_FIXES = 200
"""So many problems a release names at most: every build's record has them, and every client reads them."""

_NUMBER = re.compile(r"P-[1-9][0-9]{0,8}", re.ASCII)


def parse_problem_number(text: str) -> ProblemNumber:
    """``P-17``, also written ``p-17``. Raises ``InvalidName``."""
    number = text.upper()
    if not text.isascii() or not _NUMBER.fullmatch(number):
        raise InvalidName("a problem's number is written P-17")
    return ProblemNumber(number)


def in_number_order(numbers: Iterable[ProblemNumber]) -> tuple[ProblemNumber, ...]:
    """Each once, the lowest first."""
    return tuple(sorted(set(numbers), key=lambda number: int(number[2:])))
