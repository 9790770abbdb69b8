"""What the use cases ask of the database for problem records: the problems, who reported them, who is told what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from tenure_server.domain.outgoing_mail import WordedMail
from tenure_server.domain.paging import Place
from tenure_server.domain.problem_news import ProblemNews
from tenure_server.domain.problems import Notice, Problem, ProblemStatus, Reporter
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import SupportRequest
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems; what is None or empty says nothing. Each word of ``text`` begins one of the number or title."""

    text: str = ""
    statuses: tuple[ProblemStatus, ...] = ()
    product: ProductName | None = None
    customer_id: str | None = None  # who reported it


class WordNews(Protocol):
    """Says that a problem is fixed, and what that means for one reporter, as a mail in a language."""

    def __call__(
        self,
        news: ProblemNews,
        language: str,
        to: str,
        *,
        request: SupportRequest | None = None,
        thread: Sequence[SupportMessage] = (),
    ) -> WordedMail:
        """``request``: in whose thread, so far ``thread``, it is said."""
        ...


class Problems(Protocol):
    """Problems are never removed. One is written whole."""

    def get(self, problem_id: str) -> Problem | None: ...

    def numbered(self, number: ProblemNumber) -> Problem | None: ...

    def locked(self, number: ProblemNumber) -> Problem | None:
        """As ``numbered``; nobody else can change it, or add a reporter, before the transaction ends."""
        ...

    def search(self, wanted: ProblemFilter, *, limit: int = 100, after: Place | None = None) -> tuple[Problem, ...]:
        """Newest first, after the place."""
        ...

    def titles(self, numbers: Collection[ProblemNumber]) -> Mapping[ProblemNumber, str]:
        """Of those that there are."""
        ...

    def add(self, problem: Problem) -> None: ...

    def change(self, problem: Problem) -> None:
        """Write it in place of what there is; its number and product never change. It was ``locked`` before."""
        ...

    def reporters(self, problem_id: str) -> tuple[Reporter, ...]:
        """Oldest first."""
        ...

    def of_request(self, request_id: str) -> tuple[Problem, ...]:
        """The problems that this support request reported, oldest report first."""
        ...

    def add_reporter(self, reporter: Reporter) -> None:
        """Its problem was ``locked`` before."""
        ...


class ProblemNotices(Protocol):
    """Who is to be told of which release, once."""

    def queue(self, notice: Notice) -> bool:
        """Whether there was none of this name; nothing happens if there was."""
        ...

    def due(
        self, today: date, *, limit: int, after: tuple[str, str] | None = None
    ) -> tuple[tuple[Notice, Reporter], ...]:
        """Those that wait and whose day has come, by reporter id and version, after that of a notice."""
        ...

    def locked(self, reporter_id: str, version: Version) -> Notice | None:
        """None if there is none, or somebody else has it just now."""
        ...

    def change(self, notice: Notice) -> None:
        """It was ``locked`` before."""
        ...

    def of_problem(self, problem_id: str) -> tuple[Notice, ...]:
        """By the instant they were made, then by reporter id."""
        ...
