"""Several processes that answer on one socket, and their parent, which starts another one where one ends.

Each is a program of its own, not a fork: none inherits a connection, a thread or a lock. They read the settings from
the same environment as their parent, share its socket, and end when it does, however it ends: then their standard
input closes.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace

from tenure_server.errors import TenureError
from tenure_server.installation import Installation
from tenure_server.settings import Settings

LOOK_SECONDS = 0.2
STARTING_SECONDS = 10.0
"""A process that ends by itself sooner than this could not start; another one could not either."""

END_SECONDS = 15.0
"""How long answers that are under way may take at the end: a little longer than uvicorn grants them."""

_log = logging.getLogger(__name__)


class WorkerFailed(TenureError):
    """A worker process cannot start."""

    hint = "its own words are above; tenure serve --workers 1 may say more"


def run_workers(settings: Settings, listener: socket.socket, *, count: int, access_log: bool) -> None:
    """Keeps so many processes answering until this one is interrupted. Raises ``WorkerFailed``."""
    workers: list[_Worker] = []
    try:
        workers += [_Worker(settings, listener, access_log=access_log) for _ in range(count)]
        while True:
            time.sleep(LOOK_SECONDS)
            for place, worker in enumerate(workers):
                code = worker.process.poll()
                if code is not None:
                    if code > 0 and worker.age < STARTING_SECONDS:
                        raise WorkerFailed(f"A worker process ended at once, with code {code}.")
                    _log.error("worker %d ended with code %d; another takes its place", worker.process.pid, code)
                    workers[place] = _Worker(settings, listener, access_log=access_log)
    finally:
        for worker in workers:
            worker.tell_to_end()
        give_up_at = time.monotonic() + END_SECONDS
        for worker in workers:
            worker.wait_until(give_up_at)


class _Worker:
    def __init__(self, settings: Settings, listener: socket.socket, *, access_log: bool) -> None:
        handle = listener.fileno()
        arguments = [str(handle), settings.host, str(settings.port), "access-log" if access_log else "quiet"]
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 (our own program, and nothing that a stranger said)
            [sys.executable, "-m", "tenure_server.workers", *arguments],
            stdin=subprocess.PIPE,
            pass_fds=(handle,),
            env={**os.environ, "TENURE_DATA_DIR": str(settings.data_dir)},  # an option may have set it
        )

    @property
    def age(self) -> float:
        return time.monotonic() - self._started_at

    def tell_to_end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.terminate()

    def wait_until(self, give_up_at: float) -> None:
        try:
            self.process.wait(max(0.0, give_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main(handle: str, host: str, port: str, log: str) -> None:
    """One of the processes."""
    from tenure_server.serving import serve_on, until_a_signal

    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    settings = replace(Settings.from_environ(os.environ), host=host, port=int(port))
    installation = Installation(settings, answers_requests=True)
    with until_a_signal(), socket.socket(fileno=int(handle)) as listener, closing(installation):
        serve_on(listener, installation, access_log=log == "access-log")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
