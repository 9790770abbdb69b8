"""What published releases do to the problem records they name: publishing closes them, withdrawing opens them again.

All of it happens in the transaction of the publication, whoever publishes and by whichever way. Here nobody is told
yet: a notice for each reporter is left, and ``tell_reporters`` says it on the release day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.problems import (
    Fix,
    FixWithdrawn,
    Notice,
    NoticeState,
    Problem,
    Released,
    Reporter,
    Unfixable,
    after,
    why_unfixable,
)
from tenure_server.errors import Conflict
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.release_events import ReleaseChange
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Release

PUBLICATION = "publication"
"""Who closes and reopens problems, in the audit trail; the release's own events say who published and withdrew."""


def require_fixable(
    records: Records, product: ProductName, fixes: Iterable[ProblemNumber], *, locked: bool = False
) -> None:
    """A release of the product that is not published yet can name these problems.

    ``locked``: in a transaction, until whose end they stay so. Raises ``Conflict`` (``unknown_problem``,
    ``problem_closed``).
    """
    for number in fixes:
        problem = records.problems.locked(number) if locked else records.problems.numbered(number)
        match why_unfixable(problem, product):
            case Unfixable.UNKNOWN:
                raise Conflict(
                    f"There is no problem {number} of {product}.",
                    code="unknown_problem",
                    hint=f"tenure problems list --product {product} shows those there are; otherwise leave it out",
                )
            case Unfixable.OVER:
                assert problem is not None
                raise Conflict(
                    f"{number} cannot be fixed by this release: it {how_it_ended(problem)}.",
                    code="problem_closed",
                    hint=f"leave it out, or open it again: tenure problems reopen {number} --reason …",
                )
            case None:
                pass


def how_it_ended(problem: Problem) -> str:
    """Why it is no longer open, to go on after its number."""
    if problem.fix is not None:
        return f"was released in {problem.fix.version} already"
    ending = problem.ending
    if ending is not None and ending.duplicate_of is not None:
        return f"is a duplicate of {ending.duplicate_of}"
    return "was declined" if problem.status == "declined" else f"is {problem.status.replace('_', ' ')}"


def follow_release(records: Records, at: datetime, change: ReleaseChange) -> None:
    """Close what a newly published release fixes, open again what a newly withdrawn one had fixed."""
    release = change.after
    is_withdrawn = release.withdrawal is not None
    if change.before is None and not is_withdrawn:
        for number in release.fixes:
            _close(records, at, number, release)
    elif is_withdrawn and change.before is not None and change.before.withdrawal is None:
        for number in release.fixes:
            _open_again(records, at, number, release)


def leave_notice(records: Records, problem: Problem, reporter: Reporter, at: datetime) -> None:
    """The reporter is to be told of the release that fixes the problem; nothing happens if that was done before."""
    assert problem.fix is not None
    records.problem_notices.queue(
        Notice(
            reporter.reporter_id,
            problem.fix.version,
            problem.problem_id,
            problem.fix.released_on,
            NoticeState.WAITING,
            at,
        )
    )


def drop_notices(records: Records, problem: Problem, at: datetime, reason: str) -> None:
    """Nobody is to be told any more who was not told yet."""
    for found in records.problem_notices.of_problem(problem.problem_id):
        if found.state is not NoticeState.WAITING:
            continue
        notice = records.problem_notices.locked(found.reporter_id, found.version)
        if notice is not None and notice.state is NoticeState.WAITING:
            dropped = replace(notice, state=NoticeState.DROPPED, ended_at=at, drop_reason=reason)
            records.problem_notices.change(dropped)


def announce_problem(
    records: Records,
    at: datetime,
    type: EventType,
    problem: Problem,
    *,
    customer: str | None = None,
    **data: object,
) -> None:
    """Something happened to the problem. What people wrote of it is not told."""
    facts = {"problem": problem.problem_id, "status": problem.status.value, **data}
    announce(records, at, type, problem.number, facts, product=problem.product, customer=customer)


def _close(records: Records, at: datetime, number: ProblemNumber, release: Release) -> None:
    """A problem that is unknown or over is passed over: publishing has refused to name one, and what was signed before
    an old backup was restored has to be published all the same."""
    problem = records.problems.locked(number)
    if problem is None or problem.product != release.product:
        return
    closed = after(problem, Released(Fix(release.version, release.released_on)), at)
    if closed is None:
        return
    records.problems.change(closed)
    reporters = records.problems.reporters(problem.problem_id)
    facts = {"version": str(release.version), "released_on": release.released_on.isoformat()}
    audited(
        records, at, PUBLICATION, "problem.release", number,
        before=problem.status, after=closed.status, reporters=len(reporters), **facts,
    )  # fmt: skip
    announce_problem(records, at, EventType.PROBLEM_RELEASED, closed, reporters=len(reporters), **facts)
    for reporter in reporters:
        leave_notice(records, closed, reporter, at)


def _open_again(records: Records, at: datetime, number: ProblemNumber, release: Release) -> None:
    problem = records.problems.locked(number)
    if problem is None or problem.fix is None or problem.product != release.product:
        return
    if problem.fix.version != release.version:
        return
    opened = after(problem, FixWithdrawn(), at)
    assert opened is not None
    records.problems.change(opened)
    drop_notices(records, problem, at, f"{release.version} was withdrawn")
    facts = {"version": str(release.version), "because": "release_withdrawn"}
    audited(records, at, PUBLICATION, "problem.reopen", number, before=problem.status, after=opened.status, **facts)
    announce_problem(records, at, EventType.PROBLEM_REOPENED, opened, **facts)
