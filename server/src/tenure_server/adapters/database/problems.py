"""Problem records, who reported them, and who is to be told of which release."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import and_, delete, or_
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.problem_tables import (
    ProblemNoticeRow,
    ProblemReporterRow,
    ProblemRow,
    ProblemWordRow,
)
from tenure_server.adapters.database.search import begins, behind
from tenure_server.domain.paging import Place
from tenure_server.domain.problems import (
    Ending,
    Fix,
    FixKind,
    Notice,
    NoticeState,
    Plan,
    Problem,
    ProblemStatus,
    Reporter,
)
from tenure_server.domain.search_words import wanted_words
from tenure_server.errors import Conflict
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version


class SqlProblems:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, problem_id: str) -> Problem | None:
        if not is_storable(problem_id):
            return None
        row = self._session.get(ProblemRow, problem_id, populate_existing=True)
        return _problem(row) if row is not None else None

    def numbered(self, number: ProblemNumber) -> Problem | None:
        row = self._row(number, locked=False)
        return _problem(row) if row is not None else None

    def locked(self, number: ProblemNumber) -> Problem | None:
        row = self._row(number, locked=True)
        return _problem(row) if row is not None else None

    def search(self, wanted: ProblemFilter, *, limit: int = 100, after: Place | None = None) -> tuple[Problem, ...]:
        words = wanted_words(wanted.text)
        if limit < 1 or (wanted.text and not words) or not is_storable(wanted.customer_id or ""):
            return ()
        newest = (col(ProblemRow.reported_at).desc(), col(ProblemRow.problem_id).desc())
        statement = select(ProblemRow).order_by(*newest).limit(limit)
        for word in words:
            named = select(ProblemWordRow.problem_id).where(begins(col(ProblemWordRow.word), word))
            statement = statement.where(col(ProblemRow.problem_id).in_(named))
        if wanted.statuses:
            statement = statement.where(col(ProblemRow.status).in_([status.value for status in wanted.statuses]))
        if wanted.product is not None:
            statement = statement.where(col(ProblemRow.product) == wanted.product)
        if wanted.customer_id is not None:
            of_customer = col(ProblemReporterRow.customer_id) == wanted.customer_id
            reported = select(ProblemReporterRow.problem_id).where(of_customer)
            statement = statement.where(col(ProblemRow.problem_id).in_(reported))
        if after is not None:
            statement = statement.where(behind(col(ProblemRow.reported_at), col(ProblemRow.problem_id), after))
        return tuple(_problem(row) for row in self._session.exec(statement).all())

    def titles(self, numbers: Collection[ProblemNumber]) -> Mapping[ProblemNumber, str]:
        wanted = [_plain(number) for number in numbers]
        statement = select(ProblemRow.number, ProblemRow.title).where(col(ProblemRow.number).in_(wanted))
        return {_number(number): title for number, title in self._session.exec(statement).all()} if wanted else {}

    def add(self, problem: Problem) -> None:
        self._session.add(
            ProblemRow(
                problem_id=problem.problem_id,
                number=_plain(problem.number),
                product=problem.product,
                reported_at=problem.reported_at,
                **_changing(problem),
            )
        )
        self._session.flush()
        self._find_by_words(problem)

    def change(self, problem: Problem) -> None:
        row = self._row(problem.number, locked=True)
        assert row is not None
        row.sqlmodel_update(_changing(problem))
        self._session.flush()
        self._session.execute(delete(ProblemWordRow).where(col(ProblemWordRow.problem_id) == problem.problem_id))
        self._find_by_words(problem)

    def reporters(self, problem_id: str) -> tuple[Reporter, ...]:
        if not is_storable(problem_id):
            return ()
        statement = (
            select(ProblemReporterRow)
            .where(col(ProblemReporterRow.problem_id) == problem_id)
            .order_by(col(ProblemReporterRow.added_at), col(ProblemReporterRow.reporter_id))
        )
        return tuple(_reporter(row) for row in self._session.exec(statement).all())

    def of_request(self, request_id: str) -> tuple[Problem, ...]:
        if not is_storable(request_id):
            return ()
        statement = (
            select(ProblemRow)
            .join(ProblemReporterRow, col(ProblemReporterRow.problem_id) == col(ProblemRow.problem_id))
            .where(col(ProblemReporterRow.request_id) == request_id)
            .order_by(col(ProblemReporterRow.added_at), col(ProblemReporterRow.reporter_id))
        )
        return tuple(_problem(row) for row in self._session.exec(statement).all())

    def add_reporter(self, reporter: Reporter) -> None:
        self._session.add(
            ProblemReporterRow(
                reporter_id=reporter.reporter_id,
                problem_id=reporter.problem_id,
                customer_id=reporter.customer_id,
                licence_id=reporter.licence_id,
                request_id=reporter.request_id,
                contact_id=reporter.contact_id,
                reported_on=reporter.reported_on,
                added_at=reporter.added_at,
                exception=reporter.exception,
            )
        )
        self._session.flush()

    def _row(self, number: ProblemNumber, *, locked: bool) -> ProblemRow | None:
        statement = select(ProblemRow).where(col(ProblemRow.number) == _plain(number))
        if locked:
            statement = statement.with_for_update()
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()

    def _find_by_words(self, problem: Problem) -> None:
        words = sorted(problem.search_words())
        self._session.add_all(ProblemWordRow(word=word, problem_id=problem.problem_id) for word in words)
        self._session.flush()


class SqlProblemNotices:
    def __init__(self, session: Session) -> None:
        self._session = session

    def queue(self, notice: Notice) -> bool:
        row = ProblemNoticeRow(
            reporter_id=notice.reporter_id,
            version=str(notice.version),
            problem_id=notice.problem_id,
            due_on=notice.due_on,
            made_at=notice.made_at,
            **_ending(notice),
        )
        try:
            with conflict_if_taken(self._session, "There is such a notice already.", "notice_exists"):
                self._session.add(row)
        except Conflict:
            return False
        return True

    def due(
        self, today: date, *, limit: int, after: tuple[str, str] | None = None
    ) -> tuple[tuple[Notice, Reporter], ...]:
        reporter_id, version = col(ProblemNoticeRow.reporter_id), col(ProblemNoticeRow.version)
        statement = (
            select(ProblemNoticeRow, ProblemReporterRow)
            .join(ProblemReporterRow, col(ProblemReporterRow.reporter_id) == reporter_id)
            .where(col(ProblemNoticeRow.state) == NoticeState.WAITING.value)
            .where(col(ProblemNoticeRow.due_on) <= today)
            .order_by(reporter_id, version)
            .limit(max(limit, 0))
        )
        if after is not None:
            statement = statement.where(or_(reporter_id > after[0], and_(reporter_id == after[0], version > after[1])))
        return tuple((_notice(row), _reporter(who)) for row, who in self._session.exec(statement).all())

    def locked(self, reporter_id: str, version: Version) -> Notice | None:
        statement = (
            select(ProblemNoticeRow)
            .where(col(ProblemNoticeRow.reporter_id) == reporter_id)
            .where(col(ProblemNoticeRow.version) == str(version))
            .with_for_update(skip_locked=True)
        )
        row = self._session.exec(statement, execution_options={"populate_existing": True}).first()
        return _notice(row) if row is not None else None

    def change(self, notice: Notice) -> None:
        row = self._session.get_one(ProblemNoticeRow, (notice.reporter_id, str(notice.version)))
        row.sqlmodel_update(_ending(notice))
        self._session.flush()

    def of_problem(self, problem_id: str) -> tuple[Notice, ...]:
        if not is_storable(problem_id):
            return ()
        statement = (
            select(ProblemNoticeRow)
            .where(col(ProblemNoticeRow.problem_id) == problem_id)
            .order_by(col(ProblemNoticeRow.made_at), col(ProblemNoticeRow.reporter_id))
        )
        return tuple(_notice(row) for row in self._session.exec(statement).all())


def _plain(number: ProblemNumber) -> int:
    return int(number[2:])


def _number(plain: int) -> ProblemNumber:
    return ProblemNumber(f"P-{plain}")


def _changing(problem: Problem) -> dict[str, Any]:
    plan, fix, ending = problem.plan, problem.fix, problem.ending
    duplicate_of = ending.duplicate_of if ending is not None else None
    return {
        "title": problem.title,
        "description": problem.description,
        "found_in": str(problem.found_in) if problem.found_in is not None else None,
        "status": problem.status.value,
        "material": problem.material,
        "work_around": problem.work_around,
        "plan_kind": plan.kind.value if plan is not None else None,
        "plan_version": str(plan.version) if plan is not None and plan.version is not None else None,
        "fixed_in": str(fix.version) if fix is not None else None,
        "fixed_on": fix.released_on if fix is not None else None,
        "end_reason": ending.reason if ending is not None else None,
        "duplicate_of": _plain(duplicate_of) if duplicate_of is not None else None,
        "changed_at": problem.changed_at,
    }


def _problem(row: ProblemRow) -> Problem:
    plan = fix = ending = None
    if row.plan_kind is not None:
        plan = Plan(FixKind(row.plan_kind), _version(row.plan_version))
    if row.fixed_in is not None and row.fixed_on is not None:
        fix = Fix(Version(row.fixed_in), row.fixed_on)
    if row.end_reason is not None:
        duplicate_of = _number(row.duplicate_of) if row.duplicate_of is not None else None
        ending = Ending(ProblemStatus(row.status), row.end_reason, duplicate_of)
    return Problem(
        problem_id=row.problem_id,
        number=_number(row.number),
        product=ProductName(row.product),
        title=row.title,
        description=row.description,
        found_in=_version(row.found_in),
        reported_at=row.reported_at,
        changed_at=row.changed_at,
        material=row.material,
        work_around=row.work_around,
        plan=plan,
        fix=fix,
        ending=ending,
    )


def _version(text: str | None) -> Version | None:
    return Version(text) if text is not None else None


def _reporter(row: ProblemReporterRow) -> Reporter:
    return Reporter(
        reporter_id=row.reporter_id,
        problem_id=row.problem_id,
        customer_id=row.customer_id,
        licence_id=row.licence_id,
        request_id=row.request_id,
        contact_id=row.contact_id,
        reported_on=row.reported_on,
        added_at=row.added_at,
        exception=row.exception,
    )


def _ending(notice: Notice) -> dict[str, Any]:
    return {"state": notice.state.value, "ended_at": notice.ended_at, "drop_reason": notice.drop_reason}


def _notice(row: ProblemNoticeRow) -> Notice:
    return Notice(
        reporter_id=row.reporter_id,
        version=Version(row.version),
        problem_id=row.problem_id,
        due_on=row.due_on,
        state=NoticeState(row.state),
        made_at=row.made_at,
        ended_at=row.ended_at,
        drop_reason=row.drop_reason,
    )
