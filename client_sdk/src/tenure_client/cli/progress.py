"""A progress bar with rate and time left on standard error: Rich's where it is installed, else a plain one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tenure_client.trusted_download import Progress

_REDRAW_SECONDS = 0.1
_WIDTH = 30


@contextmanager
def progress_shown(title: str) -> Iterator[Progress | None]:
    """What to call with bytes done and in all; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as RichProgress
    except ImportError:
        bar = PlainBar(title)
        yield bar
        bar.finish()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class PlainBar:
    """One line, redrawn. The rate is the average since the first call, so a resumed part does not count."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began: tuple[float, int] | None = None
        self._drawn_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = (now, done)
        if now - self._drawn_at < _REDRAW_SECONDS and done < total:
            return
        self._drawn_at = now
        elapsed, fetched = now - self._began[0], done - self._began[1]
        rate = fetched / elapsed if elapsed > 0 else 0.0
        left = f"{(total - done) / rate:.0f} s left" if rate > 0 else ""
        share = done / total if total else 1.0
        bar = "#" * int(share * _WIDTH)
        sys.stderr.write(f"\r{self._title} [{bar:<{_WIDTH}}] {share:4.0%} {rate / 1e6:.1f} MB/s {left:<12}")
        sys.stderr.flush()

    def finish(self) -> None:
        """Ends the line."""
        if self._began is not None:
            sys.stderr.write("\n")
