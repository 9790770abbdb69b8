"""Work that is done again and again beside the requests, each kind in a thread of its own.

``answering_tasks`` run in every process that answers requests, each worker of ``tenure serve --workers`` too;
``serving_tasks`` once for each ``tenure serve``; ``online_tasks`` need the online keys, and run in whatever process
holds them: ``tenure serve`` with the embedded signer, ``tenure signer`` with an external one. What comes with time (a
release on its day, say) and has to be signed belongs there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tenure_server.domain.signer_life import BEAT_EVERY, SignerMode
from tenure_server.errors import TenureError
from tenure_server.installation import Installation
from tenure_server.use_cases.signer_beat import SignerBeat
from tenure_signing.errors import SigningError

FRESH_INTERVAL_SECONDS = 60.0
REPORTS_INTERVAL_SECONDS = 5.0
TAKE_UP_INTERVAL_SECONDS = 2.0
REQUESTS_INTERVAL_SECONDS = 0.25
IDLE_INTERVAL_SECONDS = 10.0
FORGET_INTERVAL_SECONDS = 3_600.0
MAIL_INTERVAL_SECONDS = 300.0
QUEUED_MAIL_INTERVAL_SECONDS = 5.0
SNAPSHOT_INTERVAL_SECONDS = 1.0
WEBHOOKS_INTERVAL_SECONDS = 1.0
CALENDAR_INTERVAL_SECONDS = 1.0
CALENDAR_RETRY_SECONDS = 30.0

_log = logging.getLogger(__name__)


class DraftsNotPublished(TenureError):
    """Release drafts are ready and due, and stay so; why is logged of each."""

    hint = "tenure drafts list shows them"


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """A failure is logged, and the task done again when its time comes. ``name`` goes on with "could not …".

    ``retry_seconds``: how long after a failure, if not as ever. ``at_start``: once before anything is answered.
    ``at_end``: once more when the process ends as it should.
    """

    name: str
    interval_seconds: float
    run: Callable[[], object]
    retry_seconds: float | None = None
    at_start: bool = False
    at_end: bool = False


def answering_tasks(installation: Installation) -> tuple[PeriodicTask, ...]:
    """What every process does that answers requests."""
    return (
        PeriodicTask("write what installs reported", REPORTS_INTERVAL_SECONDS, installation.write_reports, at_end=True),
        PeriodicTask("take up new keys", TAKE_UP_INTERVAL_SECONDS, installation.take_up_keys, at_start=True),
        PeriodicTask("keep the snapshot", SNAPSHOT_INTERVAL_SECONDS, installation.keep_snapshot),
    )


def serving_tasks(installation: Installation) -> tuple[PeriodicTask, ...]:
    """What every ``tenure serve`` does once, however many of its processes answer. Several servers may do it at once:
    they share the work by the database."""
    deliver = installation.deliver_webhooks
    return (
        PeriodicTask("tell operators what is about to expire", MAIL_INTERVAL_SECONDS, installation.warn_of_expiry),
        PeriodicTask("tell operators of disabled webhooks", MAIL_INTERVAL_SECONDS, installation.warn_of_webhooks),
        PeriodicTask("deliver webhooks", WEBHOOKS_INTERVAL_SECONDS, deliver),
        PeriodicTask("forget what webhooks were told", FORGET_INTERVAL_SECONDS, deliver.forget_old),
        PeriodicTask("tell who reported problems", QUEUED_MAIL_INTERVAL_SECONDS, installation.tell_reporters),
        PeriodicTask("send mail", QUEUED_MAIL_INTERVAL_SECONDS, installation.send_mail),
        PeriodicTask("remind customers", MAIL_INTERVAL_SECONDS, installation.remind_customers),
    )


def online_tasks(installation: Installation, mode: SignerMode) -> tuple[PeriodicTask, ...]:
    """What the process does that holds the online keys."""
    beat = SignerBeat(installation.database, installation.signing_clock, mode)

    def signing(
        name: str, interval_seconds: float, work: Callable[[], object], retry_seconds: float | None = None
    ) -> PeriodicTask:
        return PeriodicTask(name, interval_seconds, _telling(beat, name, work), retry_seconds, at_start=True)

    def publish_due() -> None:
        if installation.publish_due_drafts():
            raise DraftsNotPublished("A release draft that is due could not be published.")

    # An embedded signer answers too: something may wait from before it was embedded.
    requests_interval = REQUESTS_INTERVAL_SECONDS if mode is SignerMode.EXTERNAL else IDLE_INTERVAL_SECONDS
    return (
        signing("sign snapshot and timestamp anew", FRESH_INTERVAL_SECONDS, installation.keep_metadata_fresh),
        signing("answer what the server asks", requests_interval, installation.answer_requests),
        signing("publish what is due", CALENDAR_INTERVAL_SECONDS, publish_due, CALENDAR_RETRY_SECONDS),
        PeriodicTask("say that the signer is there", BEAT_EVERY.total_seconds(), beat, at_start=True),
        PeriodicTask("forget old requests", FORGET_INTERVAL_SECONDS, installation.answer_requests.forget_old),
    )


@contextmanager
def running(tasks: Sequence[PeriodicTask]) -> Iterator[None]:
    """The tasks run until the block ends."""
    for task in tasks:
        if task.at_start:
            _do(task)
    stop = threading.Event()
    threads = [threading.Thread(target=_repeat, args=(task, stop), name=task.name, daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)
        for task in tasks:
            if task.at_end:
                _do(task)


def _repeat(task: PeriodicTask, stop: threading.Event) -> None:
    fails, retry_seconds = False, task.interval_seconds if task.retry_seconds is None else task.retry_seconds
    while not stop.wait(retry_seconds if fails else task.interval_seconds):
        fails = not _do(task, is_known=fails)


def _do(task: PeriodicTask, *, is_known: bool = False) -> bool:
    """Whether it went well. What fails again and again is logged once, until it goes well again."""
    try:
        task.run()
    except (TenureError, SigningError) as error:
        if not is_known:
            _log.error("could not %s: %s", task.name, error)
        return False
    except Exception:  # the thread has to go on: a bug today must not let the metadata expire tomorrow
        if not is_known:
            _log.exception("could not %s", task.name)
        return False
    if is_known:
        _log.info("could %s again", task.name)
    return True


def _telling(beat: SignerBeat, name: str, work: Callable[[], object]) -> Callable[[], None]:
    """The work, whose failure the signer tells with its next sign of life."""

    def run() -> None:
        try:
            work()
        except (TenureError, SigningError) as error:
            beat.problems[name] = str(error)
            raise
        beat.problems.pop(name, None)

    return run
