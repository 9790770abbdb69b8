"""Problem records in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Self

from tenure_server.domain.paging import Place
from tenure_server.domain.problems import Notice, NoticeState, Problem, Reporter
from tenure_server.domain.search_words import fits, wanted_words
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version


@dataclass
class ProblemTables:
    """Their values are immutable."""

    problems: dict[str, Problem] = field(default_factory=dict)
    reporters: dict[str, Reporter] = field(default_factory=dict)
    notices: dict[tuple[str, Version], Notice] = field(default_factory=dict)

    def copy(self) -> Self:
        return type(self)(**{each.name: copy(getattr(self, each.name)) for each in fields(self)})


@dataclass
class MemoryProblems:
    tables: ProblemTables

    def get(self, problem_id: str) -> Problem | None:
        return self.tables.problems.get(problem_id)

    def numbered(self, number: ProblemNumber) -> Problem | None:
        return next((one for one in self.tables.problems.values() if one.number == number), None)

    def locked(self, number: ProblemNumber) -> Problem | None:
        return self.numbered(number)

    def search(self, wanted: ProblemFilter, *, limit: int = 100, after: Place | None = None) -> tuple[Problem, ...]:
        words = wanted_words(wanted.text)
        if wanted.text and not words:
            return ()
        found = [
            one
            for one in self.tables.problems.values()
            if fits(words, one.search_words())
            and (not wanted.statuses or one.status in wanted.statuses)
            and wanted.product in (None, one.product)
            and (wanted.customer_id is None or self._is_reported_by(one, wanted.customer_id))
            and (after is None or (one.reported_at, one.problem_id) < (after.at, after.id))
        ]
        newest_first = sorted(found, key=lambda one: (one.reported_at, one.problem_id), reverse=True)
        return tuple(newest_first[: max(limit, 0)])

    def titles(self, numbers: Collection[ProblemNumber]) -> Mapping[ProblemNumber, str]:
        return {one.number: one.title for one in self.tables.problems.values() if one.number in numbers}

    def add(self, problem: Problem) -> None:
        self.tables.problems[problem.problem_id] = problem

    def change(self, problem: Problem) -> None:
        self.tables.problems[problem.problem_id] = problem

    def reporters(self, problem_id: str) -> tuple[Reporter, ...]:
        return tuple(one for one in self._all_reporters() if one.problem_id == problem_id)

    def of_request(self, request_id: str) -> tuple[Problem, ...]:
        found = (one for one in self._all_reporters() if one.request_id == request_id)
        return tuple(self.tables.problems[one.problem_id] for one in found)

    def add_reporter(self, reporter: Reporter) -> None:
        self.tables.reporters[reporter.reporter_id] = reporter

    def _all_reporters(self) -> list[Reporter]:
        return sorted(self.tables.reporters.values(), key=lambda one: (one.added_at, one.reporter_id))

    def _is_reported_by(self, problem: Problem, customer_id: str) -> bool:
        return any(one.customer_id == customer_id for one in self.reporters(problem.problem_id))


@dataclass
class MemoryProblemNotices:
    tables: ProblemTables

    def queue(self, notice: Notice) -> bool:
        name = (notice.reporter_id, notice.version)
        return self.tables.notices.setdefault(name, notice) is notice

    def due(
        self, today: date, *, limit: int, after: tuple[str, str] | None = None
    ) -> tuple[tuple[Notice, Reporter], ...]:
        found = [
            one
            for one in self.tables.notices.values()
            if one.state is NoticeState.WAITING
            and one.due_on <= today
            and (after is None or (one.reporter_id, str(one.version)) > after)
        ]
        in_order = sorted(found, key=lambda one: (one.reporter_id, str(one.version)))[: max(limit, 0)]
        return tuple((one, self.tables.reporters[one.reporter_id]) for one in in_order)

    def locked(self, reporter_id: str, version: Version) -> Notice | None:
        return self.tables.notices.get((reporter_id, version))

    def change(self, notice: Notice) -> None:
        self.tables.notices[notice.reporter_id, notice.version] = notice

    def of_problem(self, problem_id: str) -> tuple[Notice, ...]:
        found = (one for one in self.tables.notices.values() if one.problem_id == problem_id)
        return tuple(sorted(found, key=lambda one: (one.made_at, one.reporter_id)))
