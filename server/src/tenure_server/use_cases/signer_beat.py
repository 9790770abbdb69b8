"""A signer says that it is there, and what keeps it from signing if something does."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from tenure_server.domain.signer_life import FORGOTTEN_AFTER, SignerLife, SignerMode
from tenure_server.use_cases.ports import Clock, Database

MAX_PROBLEM_CHARACTERS = 300


@dataclass(slots=True)
class SignerBeat:
    """One for each process. ``problems`` are set by what fails, under its name, and told with the next beat.
    An embedded signer is seen by what it serves: it writes only while something keeps it from signing."""

    database: Database
    clock: Clock
    mode: SignerMode
    problems: dict[str, str] = field(default_factory=dict)
    signer_id: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: datetime | None = None
    _has_told: bool = field(default=False, init=False)

    def __call__(self) -> None:
        now = self.clock()
        self.started_at = self.started_at or now
        problem = "; ".join(self.problems.copy().values())[:MAX_PROBLEM_CHARACTERS] or None
        if self.mode is SignerMode.EMBEDDED and problem is None and not self._has_told:
            return
        with self.database.writing() as records:
            records.signer_lives.beat(SignerLife(self.signer_id, self.mode, self.started_at, now, problem))
            records.signer_lives.forget(now - FORGOTTEN_AFTER)
        self._has_told = problem is not None
