"""Running the server: the socket, uvicorn, and beside it what is done from time to time; running the signer alone."""

from __future__ import annotations

import logging.config
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import uvicorn
from prometheus_client import start_wsgi_server

from tenure_server.adapters.key_folder import NotInitialised
from tenure_server.app import create_app, server_metrics
from tenure_server.domain.signer_life import SignerMode
from tenure_server.errors import DatabaseUnavailable, TenureError
from tenure_server.http.access_log import logging_config
from tenure_server.http.fast_routes import FastApplication
from tenure_server.http.metrics import ServerMetrics
from tenure_server.installation import Installation
from tenure_server.periodic import answering_tasks, online_tasks, running, serving_tasks
from tenure_server.settings import Settings
from tenure_server.short_way import short_way
from tenure_server.workers import run_workers

SWITCH_SECONDS = 0.000_5
"""How long a thread in the background, such as one that reads a new catalogue, may keep the event loop waiting each
time both have something to do; Python's own five milliseconds are as long as hundreds of checks."""


class CannotListen(TenureError):
    """The address is taken or not this machine's."""

    hint = "choose another --host or --port"


def run_server(
    installation: Installation,
    *,
    host: str,
    port: int,
    workers: int = 1,
    access_log: bool = False,
    announce: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until a signal ends it. ``announce`` is told the address once it is open; port 0 takes a free one.

    With several workers this process answers nothing: it looks after them, and does what is done once. ``access_log``:
    a line for each request.

    What was asked before the signal is still answered. Raises ``CannotListen`` and ``WorkerFailed``; ``Conflict``
    (``online_keys_missing``) where the keys here are not those that are published; ``NotInitialised``, and
    ``DatabaseUnavailable`` where no snapshot stands in, before the first request.
    """
    with until_a_signal(), listening(host, port) as listener:
        _require_keys(installation)  # before a database is made where nobody wants one
        logging.config.dictConfig(logging_config(access=access_log))
        settings = replace(installation.settings, host=host, port=listener.getsockname()[1])
        with closing(replace(installation, settings=settings, answers_requests=workers == 1)) as installed:
            _prepare(installed)
            metrics = server_metrics(installed)
            tasks = serving_tasks(installed)
            if not installed.signer_is_elsewhere:
                tasks += online_tasks(installed, SignerMode.EMBEDDED)
            with _metrics_listener(settings, metrics), running(tasks):
                announce(settings.public_url)
                if workers == 1:
                    serve_on(listener, installed, metrics, access_log=access_log)
                else:
                    run_workers(settings, listener, count=workers, access_log=access_log)


def serve_on(
    listener: socket.socket, installation: Installation, metrics: ServerMetrics | None = None, *, access_log: bool
) -> None:
    """Answer on the socket, in this process, until a signal ends it."""
    app = create_app(installation, metrics)
    with running(answering_tasks(installation)):
        answer_on(listener, app, access_log=access_log)


def answer_on(listener: socket.socket, app: FastApplication, *, access_log: bool) -> None:
    """The application by uvicorn, with the short way, until a signal ends it."""
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        http=short_way(app),
        log_config=logging_config(access=access_log),
        access_log=access_log,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listener])


def run_signer(installation: Installation, *, announce: Callable[[], None] = lambda: None) -> None:
    """Sign until a signal ends it. Nothing is listened to but the database.

    Raises ``NotInitialised`` and ``KeySourceError`` if this process has no online keys. It waits for a database that is
    away.
    """
    logging.config.dictConfig(logging_config())
    with until_a_signal(), closing(replace(installation, is_signer=True)) as signer:
        signer.online_keys.first_signers()
        with running(online_tasks(signer, SignerMode.EXTERNAL)):
            announce()
            threading.Event().wait()


@contextmanager
def until_a_signal() -> Iterator[None]:
    """Control-C and SIGTERM end the block as if it had returned. uvicorn takes both while it serves, and passes them on
    when it has ended."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _require_keys(installation: Installation) -> None:
    if installation.signer_is_elsewhere:
        installation.keys.licence_key_set()
    else:
        installation.online_keys.first_signers()


def _prepare(installation: Installation) -> None:
    """The schema of this program, in the database and in the snapshot, which stands in for a database that is away."""
    snapshot = installation.snapshot
    if snapshot.state() is not None:
        snapshot.make()
    try:
        installation.upgrade_schema()
        _require_root(installation)
    except DatabaseUnavailable as error:
        installation.stand_in(error)


def _require_root(installation: Installation) -> None:
    installation.database.check()
    with installation.database.reading() as records:
        if not records.signed_files.roots():
            raise NotInitialised("There is no signed metadata yet.", hint="tenure init makes it")
    installation.require_own_keys()


@contextmanager
def _metrics_listener(settings: Settings, metrics: ServerMetrics) -> Iterator[None]:
    """Serves metrics to whoever reaches it, and nothing else, where one is set."""
    if settings.metrics_address is None:
        yield
        return
    host, port = settings.metrics_address
    try:
        server, thread = start_wsgi_server(port, host, metrics.registry())
    except OSError as error:
        hint = "TENURE_METRICS_LISTEN names an address and a free port of this machine"
        raise CannotListen(f"Cannot listen on {host} port {port}: {error.strerror}.", hint=hint) from error
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    with listener:
        yield listener
