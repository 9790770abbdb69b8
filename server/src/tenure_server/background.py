"""Work that ``tenure serve`` does beside answering: again and again, each kind in a thread of its own.

Several processes may do the same work at once; what each kind does about that is its own business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenure_server.errors import TenureError
from tenure_signing.errors import SigningError

_log = logging.getLogger(__name__)


@contextmanager
def repeated(name: str, work: Callable[[], object], *, every_seconds: float) -> Iterator[None]:
    """Do the work every so many seconds until the block ends. A failure is logged and tried again; so is a bug, with
    its traceback, because one kind of work must not end another."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every_seconds):
            try:
                work()
            except (TenureError, SigningError) as error:
                _log.error("%s: %s", name, error)
            except Exception:
                _log.exception("%s: something unexpected happened", name)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
