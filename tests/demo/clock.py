"""The demonstration's clock: it says the day that a file says. Production has no such thing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path


class DemoClock:
    """Noon, UTC, of the day written in the file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.combine(date.fromisoformat(self._file.read_text()), time(12), UTC)

    def turn_to(self, day: date) -> None:
        self._file.write_text(day.isoformat())
