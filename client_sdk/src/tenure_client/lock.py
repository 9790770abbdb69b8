"""One process at a time on one state directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenure_client.errors import AnotherUpdateRuns, StateError

LOCK_FILE = "lock"


@contextmanager
def exclusive(state_directory: Path, timeout_seconds: float) -> Iterator[None]:
    """Holds the directory's lock, after waiting at most so long; the system frees it when a process dies.

    Raises ``AnotherUpdateRuns`` or ``StateError``.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(state_directory / LOCK_FILE, timeout=timeout_seconds, mode=0o600)
    try:
        state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise AnotherUpdateRuns("another update of this product is running") from error
    except (OSError, NotImplementedError) as error:
        raise StateError(f"the state directory {state_directory} cannot be used: {error}") from error
    try:
        yield
    finally:
        lock.release()
