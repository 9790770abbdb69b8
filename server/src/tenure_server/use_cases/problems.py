"""Problem records are reported, taken on step by step, and looked up. RULES.md, Support and maintenance;
docs/problems.md.

Audit trail and events say what happened to which problem, never what somebody wrote of it: titles and descriptions can
be corrected, and what a customer wrote can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.paging import Page, Place
from tenure_server.domain.problems import (
    Declined,
    FixPlanned,
    FoundDuplicate,
    Notice,
    NotReproducible,
    Problem,
    Reopened,
    Reporter,
    Reproduced,
    WorkAroundGiven,
    after,
)
from tenure_server.domain.support_messages import clean_body
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.identifiers import new_problem_id
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import AuditEvent, Clock, Database, Records
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_server.use_cases.problem_reporters import Report, add_reporter, reporter_of
from tenure_server.use_cases.released_problems import announce_problem, drop_notices, how_it_ended
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.errors import InvalidName
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber, parse_problem_number
from tenure_signing.versions import Version

HISTORY = 200
"""So many of a problem's last steps are shown."""

TakenByHand = Reproduced | WorkAroundGiven | FixPlanned | NotReproducible | Declined | FoundDuplicate | Reopened
"""Every step but those that publishing takes."""

_DONE: dict[type[TakenByHand], str] = {
    Reproduced: "problem.reproduce",
    WorkAroundGiven: "problem.work_around",
    FixPlanned: "problem.plan",
    NotReproducible: "problem.not_reproducible",
    Declined: "problem.decline",
    FoundDuplicate: "problem.duplicate",
    Reopened: "problem.reopen",
}


@dataclass(frozen=True, slots=True)
class NewProblem:
    """``product`` is None where the report says it. Customers read the title, and nothing else of it."""

    title: str
    description: str = ""
    product: ProductName | None = None
    found_in: Version | None = None


@dataclass(frozen=True, slots=True)
class ReportProblem:
    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(self, new: NewProblem, report: Report | None, *, who: str, once: Once | None = None) -> Problem:
        """Record a problem; ``report`` is None for one that the vendor found.

        Raises ``InvalidRequest``, ``NotFound`` (``unknown_product``), and as ``reporter_of``: a report that was not
        opened in a support period is refused, unless an operator says why it is taken all the same.
        """
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return problem_of(records, before)
            problem_id = new_problem_id()
            reporter = product = None
            if report is not None:
                reporter, product = reporter_of(records, problem_id, report, now, self.policy)
            product = _one_product(records, new.product, product)
            problem = _sound(
                Problem(
                    problem_id=problem_id,
                    number=ProblemNumber(f"P-{records.numbers.next('problem')}"),
                    product=product,
                    title=new.title.strip(),
                    description=clean_body(new.description),
                    found_in=new.found_in,
                    reported_at=now,
                    changed_at=now,
                )
            )
            records.problems.add(problem)
            found_in = str(problem.found_in) if problem.found_in is not None else None
            audited(
                records, now, who, "problem.report", problem.number,
                problem=problem_id, product=product, found_in=found_in,
            )  # fmt: skip
            announce_problem(records, now, EventType.PROBLEM_REPORTED, problem, found_in=found_in)
            if reporter is not None:
                add_reporter(records, problem, reporter, now, who)
            settle(records, once, problem.number, now)
        return problem


@dataclass(frozen=True, slots=True)
class AddReporter:
    """Somebody else has the same problem."""

    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(self, said: str, report: Report, *, who: str, once: Once | None = None) -> Problem:
        """Nothing happens if the same report was added before. Who reports what is fixed already is told at once.

        Raises ``NotFound`` (``unknown_problem``), ``InvalidRequest`` (``another_product``), ``Conflict``
        (``problem_is_duplicate``), and as ``reporter_of``.
        """
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return problem_of(records, before)
            problem = problem_of(records, said, locked=True)
            if problem.ending is not None and problem.ending.duplicate_of is not None:
                original = problem.ending.duplicate_of
                raise Conflict(
                    f"{problem.number} is a duplicate of {original}.",
                    code="problem_is_duplicate",
                    hint=f"add the report to {original}",
                )
            reporter, product = reporter_of(records, problem.problem_id, report, now, self.policy)
            _one_product(records, problem.product, product)
            add_reporter(records, problem, reporter, now, who)
            settle(records, once, problem.number, now)
        return problem


@dataclass(frozen=True, slots=True)
class TakeStep:
    """The steps that people take. ``released`` is none of them: publishing takes it."""

    database: Database
    clock: Clock

    def __call__(self, said: str, step: TakenByHand, *, who: str, once: Once | None = None) -> Problem:
        """Nothing happens if it is so already. Reporters of a duplicate become reporters of the original.

        Raises ``NotFound`` (``unknown_problem``), ``InvalidRequest`` (``reason_missing``, ``invalid_work_around``,
        ``another_product``), ``Conflict`` (``step_not_possible``, ``problem_is_duplicate``).
        """
        now = self.clock()
        step = _cleaned(step)
        with self.database.writing() as records:
            done = claimed(records, once, now)
            if done is not None:
                return problem_of(records, done)
            original, before = self._locked(records, said, step)
            changed = after(before, step, now)
            if changed is None:
                raise _not_possible(before, step)
            changed = _sound(changed)
            if replace(changed, changed_at=before.changed_at) == before:
                settle(records, once, before.number, now)
                return before
            records.problems.change(changed)
            if before.fix is not None:
                drop_notices(records, before, now, "the problem was opened again")
            if original is not None:
                for reporter in records.problems.reporters(before.problem_id):
                    add_reporter(records, original, replace(reporter, added_at=now), now, who, is_copy=True)
            self._tell(records, now, who, step, before, changed)
            settle(records, once, before.number, now)
        return changed

    def _locked(self, records: Records, said: str, step: TakenByHand) -> tuple[Problem | None, Problem]:
        """The problem, after the one that it is a duplicate of where that is the step: the lower number is locked
        first, so that no two transactions wait for each other crosswise."""
        number = problem_of(records, said).number
        if not isinstance(step, FoundDuplicate):
            return None, problem_of(records, number, locked=True)
        if step.of == number:
            raise InvalidRequest(f"{number} is no duplicate of itself.", code="problem_is_duplicate")
        pair = {each: problem_of(records, each, locked=True) for each in sorted({number, step.of}, key=_plain)}
        original, problem = pair[step.of], pair[number]
        _one_product(records, problem.product, original.product)
        if original.ending is not None and original.ending.duplicate_of is not None:
            raise Conflict(
                f"{original.number} is itself a duplicate of {original.ending.duplicate_of}.",
                code="problem_is_duplicate",
                hint=f"say {original.ending.duplicate_of}",
            )
        return original, problem

    def _tell(
        self, records: Records, now: datetime, who: str, step: TakenByHand, before: Problem, changed: Problem
    ) -> None:
        facts = _facts(step)
        audited(
            records, now, who, _DONE[type(step)], changed.number,
            before=before.status, after=changed.status, **facts,
        )  # fmt: skip
        if isinstance(step, Reopened):
            announce_problem(records, now, EventType.PROBLEM_REOPENED, changed, because="operator")
        else:
            announce_problem(records, now, EventType.PROBLEM_CHANGED, changed, before=before.status.value)


@dataclass(frozen=True, slots=True)
class ProblemChanges:
    """What is None stays."""

    title: str | None = None
    description: str | None = None
    found_in: Version | None = None


@dataclass(frozen=True, slots=True)
class ChangeProblem:
    """What was written of a problem is corrected."""

    database: Database
    clock: Clock

    def __call__(self, said: str, changes: ProblemChanges, *, who: str) -> Problem:
        """Nothing happens if it is so already. Raises ``NotFound`` (``unknown_problem``), ``InvalidRequest``."""
        now = self.clock()
        with self.database.writing() as records:
            before = problem_of(records, said, locked=True)
            changed = replace(
                before,
                title=changes.title.strip() if changes.title is not None else before.title,
                description=clean_body(changes.description) if changes.description is not None else before.description,
                found_in=changes.found_in if changes.found_in is not None else before.found_in,
            )
            names = [
                name for name in ("title", "description", "found_in") if getattr(changed, name) != getattr(before, name)
            ]
            if not names:
                return before
            changed = _sound(replace(changed, changed_at=now))
            records.problems.change(changed)
            audited(records, now, who, "problem.change", changed.number, changed=names)
            announce_problem(records, now, EventType.PROBLEM_CHANGED, changed, before=before.status.value)
        return changed


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """A problem with everything around it. ``history``: what was done to it, oldest first."""

    problem: Problem
    reporters: tuple[Reporter, ...]
    notices: tuple[Notice, ...]
    history: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True)
class ListProblems:
    database: Database

    def __call__(self, wanted: ProblemFilter, *, limit: int, after: Place | None = None) -> Page[Problem]:
        """Newest first."""
        with self.database.reading() as records:
            found = records.problems.search(wanted, limit=limit + 1, after=after)
        entries = found[:limit]
        more = len(found) > limit
        return Page(entries, Place(entries[-1].reported_at, entries[-1].problem_id) if more else None)

    def one(self, said: str) -> ShownProblem:
        """Raises ``NotFound`` (``unknown_problem``)."""
        with self.database.reading() as records:
            problem = problem_of(records, said)
            history = records.audit.newest(subject=problem.number, action="problem", limit=HISTORY)
            return ShownProblem(
                problem,
                records.problems.reporters(problem.problem_id),
                records.problem_notices.of_problem(problem.problem_id),
                tuple(reversed(history)),
            )


def problem_of(records: Records, said: str, *, locked: bool = False) -> Problem:
    """By number or id. Raises ``NotFound`` (``unknown_problem``)."""
    try:
        number = parse_problem_number(said.strip())
    except InvalidName:
        found = records.problems.get(said)
    else:
        found = records.problems.numbered(number)
    if found is not None and locked:
        found = records.problems.locked(found.number)
    if found is None:
        raise NotFound("There is no such problem.", code="unknown_problem", hint="tenure problems list shows them")
    return found


def _one_product(records: Records, said: ProductName | None, reported: ProductName | None) -> ProductName:
    """Raises ``InvalidRequest`` (``another_product``, ``product_missing``), ``NotFound`` (``unknown_product``)."""
    if said is not None and reported is not None and said != reported:
        raise InvalidRequest(f"That is of {reported}, not of {said}.", code="another_product")
    product = said or reported
    if product is None:
        raise InvalidRequest("A problem is of a product.", code="product_missing", hint="say --product")
    if records.products.get(product) is None:
        raise NotFound("There is no such product.", code="unknown_product", hint="tenure product list shows them")
    return product


def _sound(problem: Problem) -> Problem:
    faults: Iterable[tuple[str, str]] = problem.faults()
    for code, sentence in faults:
        raise InvalidRequest(sentence, code=code)
    return problem


def _cleaned(step: TakenByHand) -> TakenByHand:
    """With texts as they are kept. Raises ``InvalidRequest`` (``reason_missing``)."""
    match step:
        case NotReproducible(reason) | Declined(reason) | FoundDuplicate(_, reason) | Reopened(reason):
            return replace(step, reason=required_reason(reason))
        case WorkAroundGiven(text):
            return WorkAroundGiven(clean_body(text))
        case _:
            return step


def _facts(step: TakenByHand) -> dict[str, object]:
    """What the audit trail keeps of the step."""
    match step:
        case Reproduced(material):
            return {"material": material}
        case WorkAroundGiven():
            return {}
        case FixPlanned(plan):
            return {"kind": plan.kind.value, "version": str(plan.version) if plan.version is not None else None}
        case FoundDuplicate(of, reason):
            return {"of": of, "reason": reason}
        case NotReproducible(reason) | Declined(reason) | Reopened(reason):
            return {"reason": reason}


def _not_possible(problem: Problem, step: TakenByHand) -> Conflict:
    if problem.is_open:
        needs = {
            WorkAroundGiven: "it has not been reproduced yet",
            FixPlanned: "it has not been reproduced yet",
            NotReproducible: "a work-around or a fix is known",
        }
        because = needs.get(type(step), f"it is {problem.status.replace('_', ' ')}")
        hint = f"tenure problems reproduce {problem.number} --material or --not-material comes first"
        return Conflict(
            f"This cannot be said of {problem.number}: {because}.",
            code="step_not_possible",
            hint=hint if isinstance(step, (WorkAroundGiven, FixPlanned)) else None,
        )
    return Conflict(
        f"{problem.number} {how_it_ended(problem)}.",
        code="step_not_possible",
        hint=f"tenure problems reopen {problem.number} --reason … opens it again",
    )


def _plain(number: ProblemNumber) -> int:
    return int(number[2:])
