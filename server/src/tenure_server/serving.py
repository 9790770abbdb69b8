"""Running the server: the socket, uvicorn, and the embedded signer beside it."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import uvicorn

from tenure_server.adapters.key_folder import NotInitialised
from tenure_server.app import create_app
from tenure_server.background import repeated
from tenure_server.errors import TenureError
from tenure_server.http.access_log import logging_config
from tenure_server.installation import Installation
from tenure_server.short_way import short_way
from tenure_server.use_cases.finish_release_draft import PublishDueDrafts
from tenure_server.use_cases.keep_metadata_fresh import KeepMetadataFresh
from tenure_server.use_cases.report_install import WriteReports
from tenure_server.workers import run_workers
from tenure_signing.errors import SigningError

SIGNER_INTERVAL_SECONDS = 60.0
REPORTS_INTERVAL_SECONDS = 5.0
CALENDAR_INTERVAL_SECONDS = 1.0
CALENDAR_RETRY_SECONDS = 30.0
WEBHOOKS_INTERVAL_SECONDS = 1.0
FORGET_INTERVAL_SECONDS = 3600.0
REMINDERS_INTERVAL_SECONDS = 300.0

_log = logging.getLogger(__name__)


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

    With several workers this process only signs and looks after them. ``access_log``: a line for each request.

    What was asked before the signal is still answered. Raises ``CannotListen`` and ``WorkerFailed``;
    ``NotInitialised`` and ``DatabaseUnavailable`` before the first request.
    """
    with until_a_signal(), _listening(host, port) as listener:
        _ = installation.keys.online_signers  # before a database is made where nobody wants one
        installation.upgrade_schema()
        settings = replace(installation.settings, host=host, port=listener.getsockname()[1])
        installed = replace(installation, settings=settings)
        _require_root(installed)
        with (
            _embedded_signer(installed.keep_metadata_fresh),
            _calendar(installed.publish_due_drafts),
            _integration(installed),
        ):
            announce(settings.public_url)
            if workers == 1:
                serve_on(listener, installed, access_log=access_log)
            else:
                run_workers(settings, listener, count=workers, access_log=access_log)


def serve_on(listener: socket.socket, installation: Installation, *, access_log: bool) -> None:
    """Answer on the socket, in this process, until a signal ends it."""
    app = create_app(installation)
    config = uvicorn.Config(
        app,
        http=short_way(app),
        log_config=logging_config(access=access_log),
        access_log=access_log,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    with _report_writer(installation.write_reports):
        uvicorn.Server(config).run(sockets=[listener])


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


def _require_root(installation: Installation) -> None:
    installation.database.check()
    with installation.database.reading() as records:
        if not records.signed_files.roots():
            raise NotInitialised("There is no signed metadata yet.", hint="tenure init makes it")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    with listener:
        yield listener


@contextmanager
def _embedded_signer(keep_fresh: KeepMetadataFresh) -> Iterator[None]:
    """Signs once before the first request, then from a thread of its own."""
    _sign(keep_fresh)
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(SIGNER_INTERVAL_SECONDS):
            _sign(keep_fresh)

    thread = threading.Thread(target=run, name="signer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


@contextmanager
def _integration(installation: Installation) -> Iterator[None]:
    """What other programs and customers are told. Every process of an installation may do it."""
    deliver = installation.deliver_webhooks
    with (
        repeated("webhooks", deliver, every_seconds=WEBHOOKS_INTERVAL_SECONDS),
        repeated("webhooks' log", deliver.forget_old, every_seconds=FORGET_INTERVAL_SECONDS),
        repeated("reminders", installation.remind_customers, every_seconds=REMINDERS_INTERVAL_SECONDS),
    ):
        yield


@contextmanager
def _report_writer(write_reports: WriteReports) -> Iterator[None]:
    """Writes what installs report from a thread of its own, and what is left when the server ends."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(REPORTS_INTERVAL_SECONDS):
            _write(write_reports)

    thread = threading.Thread(target=run, name="reports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
        _write(write_reports)


@contextmanager
def _calendar(publish_due: PublishDueDrafts) -> Iterator[None]:
    """Publishes what is scheduled, from a thread of its own. What failed is tried again after a while."""
    stop = threading.Event()

    def run() -> None:
        wait = CALENDAR_INTERVAL_SECONDS
        while not stop.wait(wait):
            wait = CALENDAR_RETRY_SECONDS if _publish(publish_due) else CALENDAR_INTERVAL_SECONDS

    thread = threading.Thread(target=run, name="calendar", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def _publish(publish_due: PublishDueDrafts) -> bool:
    """Whether it failed; that is logged, and ``tenure status`` tells it too."""
    try:
        return publish_due()
    except (TenureError, SigningError) as error:
        _log.error("could not look for scheduled releases: %s", error)
        return True


def _write(write_reports: WriteReports) -> None:
    """A failure is logged and tried again; the reports wait."""
    try:
        write_reports()
    except (TenureError, SigningError) as error:
        _log.error("could not write what installs reported: %s", error)


def _sign(keep_fresh: KeepMetadataFresh) -> None:
    """A failure is logged and tried again: half of the metadata's life is left for that."""
    try:
        if keep_fresh():
            _log.info("signed snapshot and timestamp anew")
    except (TenureError, SigningError) as error:
        _log.error("could not sign snapshot and timestamp anew: %s", error)
