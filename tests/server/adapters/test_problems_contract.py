"""Problem records: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

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
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import CAD, NOON, plain_licence, store

PLAIN = Problem("prb_a", ProblemNumber("P-1"), CAD, "Walls vanish", "", None, NOON, NOON)
FULL = Problem(
    "prb_b", ProblemNumber("P-2"), CAD, "Türen 図面 🏗 %_'", "two\nlines", Version("4.1rc1"),
    NOON + timedelta(hours=1), NOON,
    True, "Save twice", Plan(FixKind.RELEASE, Version("5.0")), Fix(Version("4.2.1"), date(2026, 12, 1)),
)  # fmt: skip
OVER = replace(PLAIN, problem_id="prb_c", number=ProblemNumber("P-3"), reported_at=NOON + timedelta(hours=2))
OVER = replace(OVER, ending=Ending(ProblemStatus.DUPLICATE, "same", ProblemNumber("P-1")))
REPORTER = Reporter("rep_a", "prb_a", "c-7k2m", "7k2m", None, "p-1", date(2026, 11, 23), NOON, "said so")
NOTICE = Notice("rep_a", Version("4.2.1"), "prb_a", date(2026, 12, 1), NoticeState.WAITING, NOON)


def filled(database: Database) -> None:
    store(database, plain_licence())
    with database.writing() as records:
        for problem in (PLAIN, FULL, OVER):
            records.problems.add(problem)
        records.problems.add_reporter(REPORTER)


def test_problems_come_back_as_they_were_put_by_id_and_number(database: Database) -> None:
    filled(database)
    with database.reading() as records:
        for problem in (PLAIN, FULL, OVER):
            assert records.problems.get(problem.problem_id) == problem
            assert records.problems.numbered(problem.number) == problem
        assert records.problems.get("\0") is None
        assert records.problems.numbered(ProblemNumber("P-999999999")) is None
        assert records.problems.titles({FULL.number, ProblemNumber("P-99")}) == {FULL.number: FULL.title}
        assert records.problems.titles(set()) == {}


def test_problems_are_found_by_words_status_product_and_reporter_newest_first(database: Database) -> None:
    filled(database)

    def found(**wanted: object) -> list[str]:
        with database.reading() as records:
            return [one.problem_id for one in records.problems.search(ProblemFilter(**wanted))]  # type: ignore[arg-type]

    assert found() == ["prb_c", "prb_b", "prb_a"]
    assert found(text="turen") == found(text="p-2") == ["prb_b"]
    assert found(text="%") == []
    assert found(statuses=(ProblemStatus.RELEASED, ProblemStatus.REPORTED)) == ["prb_b", "prb_a"]
    assert found(customer_id="c-7k2m") == ["prb_a"]
    with database.reading() as records:
        after = Place(FULL.reported_at, FULL.problem_id)
        assert [one.problem_id for one in records.problems.search(ProblemFilter(), after=after)] == ["prb_a"]


def test_a_changed_problem_is_found_by_its_new_words(database: Database) -> None:
    filled(database)
    changed = replace(PLAIN, title="Roofs vanish", material=False, changed_at=NOON + timedelta(days=1))
    with database.writing() as records:
        assert records.problems.locked(PLAIN.number) == PLAIN
        records.problems.change(changed)
    with database.reading() as records:
        assert records.problems.search(ProblemFilter("roofs")) == (changed,)
        assert [one.problem_id for one in records.problems.search(ProblemFilter("walls"))] == ["prb_c"]


def test_a_notice_is_queued_once_and_due_on_its_day(database: Database) -> None:
    filled(database)
    with database.writing() as records:
        assert records.problem_notices.queue(NOTICE)
        assert not records.problem_notices.queue(replace(NOTICE, due_on=date(2030, 1, 1)))
        assert records.problem_notices.due(date(2026, 11, 30), limit=9) == ()
        assert records.problem_notices.due(date(2026, 12, 1), limit=9) == ((NOTICE, REPORTER),)
        assert records.problem_notices.due(date(2026, 12, 1), limit=9, after=("rep_a", "4.2.1")) == ()
        told = replace(NOTICE, state=NoticeState.TOLD, ended_at=NOON)
        assert records.problem_notices.locked("rep_a", Version("4.2.1")) == NOTICE
        records.problem_notices.change(told)
    with database.reading() as records:
        assert records.problem_notices.due(date(2026, 12, 1), limit=9) == ()
        assert records.problem_notices.of_problem("prb_a") == (told,)
        assert records.problems.reporters("prb_a") == (REPORTER,)
