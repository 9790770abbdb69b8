"""Problem records: faults of a product, from the report to the release that fixes them. RULES.md, Support and
maintenance.

A problem is what is known of it; its status follows from that. Steps add to what is known, take it back or end it, and
each can be taken from some statuses only. Releasing is the one step that nobody takes by hand: a published release that
names the problem takes it, and its withdrawal takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from tenure_server.domain.customers import is_line
from tenure_server.domain.search_words import words_of
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version

MAX_TITLE_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 20_000
"""Of a description and of a work-around."""


class ProblemStatus(StrEnum):
    REPORTED = "reported"
    REPRODUCED = "reproduced"
    WORK_AROUND_GIVEN = "work_around_given"
    FIX_PLANNED = "fix_planned"
    RELEASED = "released"
    NOT_REPRODUCIBLE = "not_reproducible"
    DECLINED = "declined"
    DUPLICATE = "duplicate"


OPEN = (
    ProblemStatus.REPORTED,
    ProblemStatus.REPRODUCED,
    ProblemStatus.WORK_AROUND_GIVEN,
    ProblemStatus.FIX_PLANNED,
)
"""Everything that is not over; a release can fix these, and no others."""


class FixKind(StrEnum):
    """What a fix is planned for."""

    SERVICE_PACK = "service_pack"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Plan:
    """``version`` is None while nobody knows it."""

    kind: FixKind
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """The release that fixes the problem, and its release day, which may be to come."""

    version: Version
    released_on: date


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a problem is over although nothing was released. ``duplicate_of`` is set of a duplicate only."""

    status: ProblemStatus  # not reproducible, declined or duplicate
    reason: str
    duplicate_of: ProblemNumber | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """``title`` is the one thing of it that customers read: on their page and in mail. ``material`` is None until
    somebody has tried."""

    problem_id: str  # prb_ and 26 random characters
    number: ProblemNumber  # P-17
    product: ProductName
    title: str
    description: str
    found_in: Version | None
    reported_at: datetime
    changed_at: datetime
    material: bool | None = None
    work_around: str | None = None
    plan: Plan | None = None
    fix: Fix | None = None
    ending: Ending | None = None

    @property
    def status(self) -> ProblemStatus:
        """What is known furthest on."""
        if self.fix is not None:
            return ProblemStatus.RELEASED
        if self.ending is not None:
            return self.ending.status
        if self.plan is not None:
            return ProblemStatus.FIX_PLANNED
        if self.work_around is not None:
            return ProblemStatus.WORK_AROUND_GIVEN
        return ProblemStatus.REPORTED if self.material is None else ProblemStatus.REPRODUCED

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with its texts, as pairs of a stable code and a sentence; no sentence repeats a value."""
        if not is_line(self.title, MAX_TITLE_CHARACTERS):
            yield "invalid_title", f"A problem's title is a line of 1 to {MAX_TITLE_CHARACTERS} characters."
        if not is_text(self.description):
            yield "invalid_description", f"A description has up to {MAX_TEXT_CHARACTERS} characters."
        if self.work_around is not None and not (self.work_around.strip() and is_text(self.work_around)):
            yield "invalid_work_around", f"A work-around has 1 to {MAX_TEXT_CHARACTERS} characters."

    def search_words(self) -> frozenset[str]:
        """What people may say to find it."""
        return words_of(self.number, self.number[2:], self.title)


def is_text(text: str) -> bool:
    """Several lines for people: not too long, and nothing in it steers a terminal."""
    return len(text) <= MAX_TEXT_CHARACTERS and all(letter.isprintable() or letter in "\n\t" for letter in text)


# Steps


@dataclass(frozen=True, slots=True)
class Reproduced:
    """Somebody has seen it happen, and says whether it is material."""

    material: bool


@dataclass(frozen=True, slots=True)
class WorkAroundGiven:
    text: str


@dataclass(frozen=True, slots=True)
class FixPlanned:
    plan: Plan


@dataclass(frozen=True, slots=True)
class NotReproducible:
    reason: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The vendor will not fix it."""

    reason: str


@dataclass(frozen=True, slots=True)
class FoundDuplicate:
    """Another record is of the same problem; its reporters are told with those of that one."""

    of: ProblemNumber
    reason: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """One step back: from the end to what was known before it; from a planned fix to none."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    fix: Fix


@dataclass(frozen=True, slots=True)
class FixWithdrawn:
    """The release that fixed it was withdrawn."""


Step = (
    Reproduced
    | WorkAroundGiven
    | FixPlanned
    | NotReproducible
    | Declined
    | FoundDuplicate
    | Reopened
    | Released
    | FixWithdrawn
)

_REPORTED, _REPRODUCED, _WORKED_AROUND, _PLANNED = OPEN
FROM: Mapping[type[Step], frozenset[ProblemStatus]] = {
    # again, to say otherwise whether it is material; and of what could not be reproduced before
    Reproduced: frozenset({*OPEN, ProblemStatus.NOT_REPRODUCIBLE}),
    WorkAroundGiven: frozenset({_REPRODUCED, _WORKED_AROUND, _PLANNED}),
    FixPlanned: frozenset({_REPRODUCED, _WORKED_AROUND, _PLANNED}),
    NotReproducible: frozenset({_REPORTED, _REPRODUCED}),
    Declined: frozenset(OPEN),
    FoundDuplicate: frozenset(OPEN),
    Reopened: frozenset(
        {
            _PLANNED,
            ProblemStatus.RELEASED,
            ProblemStatus.NOT_REPRODUCIBLE,
            ProblemStatus.DECLINED,
            ProblemStatus.DUPLICATE,
        }
    ),
    Released: frozenset(OPEN),
    FixWithdrawn: frozenset({ProblemStatus.RELEASED}),
}
"""From which statuses each step can be taken."""


def after(problem: Problem, step: Step, at: datetime) -> Problem | None:
    """The problem after the step, or None where it cannot be taken."""
    if problem.status not in FROM[type(step)]:
        return None
    return replace(_taken(problem, step), changed_at=at)


def _taken(problem: Problem, step: Step) -> Problem:
    match step:
        case Reproduced(material):
            return replace(problem, material=material, ending=None)
        case WorkAroundGiven(text):
            return replace(problem, work_around=text)
        case FixPlanned(plan):
            return replace(problem, plan=plan)
        case NotReproducible(reason):
            # whoever had reproduced it before was mistaken
            return replace(problem, material=None, ending=Ending(ProblemStatus.NOT_REPRODUCIBLE, reason))
        case Declined(reason):
            return replace(problem, ending=Ending(ProblemStatus.DECLINED, reason))
        case FoundDuplicate(of, reason):
            return replace(problem, ending=Ending(ProblemStatus.DUPLICATE, reason, of))
        case Reopened() if problem.ending is not None:
            return replace(problem, ending=None)
        case Reopened() | FixWithdrawn():
            return replace(problem, fix=None, plan=None)  # nobody has planned another one yet
        case Released(fix):
            return replace(problem, fix=fix)
        case unexpected:
            assert_never(unexpected)


class Unfixable(StrEnum):
    """Why a release cannot say that it fixes a problem."""

    UNKNOWN = "unknown"  # or another product's: a release engineer of one product learns nothing of the others
    OVER = "over"


def why_unfixable(problem: Problem | None, product: ProductName) -> Unfixable | None:
    """None where a release of the product, to be published, can name the problem."""
    if problem is None or problem.product != product:
        return Unfixable.UNKNOWN
    return None if problem.is_open else Unfixable.OVER


# Reporters


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who is told when the problem is fixed. One that came with a support request is answered in its thread;
    ``contact_id`` is somebody of the customer's, else the customer's own address is written to.

    ``exception`` is the operator's reason why the report was taken although it was not of right.
    """

    reporter_id: str  # rep_ and 26 random characters
    problem_id: str
    customer_id: str | None
    licence_id: str | None
    request_id: str | None
    contact_id: str | None
    reported_on: date
    added_at: datetime
    exception: str | None = None

    def is_same_as(self, other: Reporter) -> bool:
        """Whether telling both would tell somebody twice, or one request twice."""
        if self.request_id is not None or other.request_id is not None:
            return self.request_id == other.request_id
        return (self.customer_id, self.licence_id, self.contact_id) == (
            other.customer_id,
            other.licence_id,
            other.contact_id,
        )


class NoticeState(StrEnum):
    WAITING = "waiting"  # for the release day, or for somebody to write the mail
    TOLD = "told"  # the mail is written and lies in the queue of outgoing mail, under ``mail_key``
    DROPPED = "dropped"  # nobody is to be told any more: withdrawn, no address


@dataclass(frozen=True, slots=True)
class Notice:
    """That one reporter is to be told of one release. ``(reporter_id, version)`` names it, and there is never a second
    of that name. ``due_on`` is the release day; ``drop_reason`` says why nobody was told."""

    reporter_id: str
    version: Version
    problem_id: str
    due_on: date
    state: NoticeState
    made_at: datetime
    ended_at: datetime | None = None
    drop_reason: str | None = None

    @property
    def mail_key(self) -> str:
        """By which outgoing mail, threads and mail programs know a double."""
        return f"msg_{self.reporter_id}_{self.version}"
