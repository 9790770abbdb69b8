"""Problem records from the report to the mail that tells of the fix. RULES.md, Support and maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tenure_server.adapters.memory_mailer import MemoryMailer
from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.licences import Licence
from tenure_server.domain.problems import (
    Declined,
    FixKind,
    FixPlanned,
    FoundDuplicate,
    Plan,
    Problem,
    Reopened,
    Reproduced,
    WorkAroundGiven,
)
from tenure_server.domain.products import LapsePolicy
from tenure_server.domain.support_requests import Category, RequestChannel, SupportRequest
from tenure_server.errors import Conflict, InvalidRequest, MailUnavailable, NotFound
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.ports_mail import MailMessage
from tenure_server.use_cases.problem_reporters import Report
from tenure_server.use_cases.problems import NewProblem, ProblemChanges, TakenByHand
from tenure_server.use_cases.support_requests import NewRequest
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.names import ChannelName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Money, PaidUpgrade, Rollout
from tenure_signing.versions import Version
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAD, CAM, LINUX, MYR_1000, PRO, TODAY, WHO, World

BOUGHT = TODAY - timedelta(days=30)
TITLE = "Drawings lose their layers"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Desk:
    """Support and release engineer at one desk; the mail server is in memory."""

    world: World
    post: MemoryMailer = field(default_factory=MemoryMailer)

    def sell(self, email: str | None = "ada@example.com", *, bought: date = BOUGHT, smp: int | None = 1) -> Licence:
        order = LicenceOrder(CAD, PRO, f"Customer {email}", MYR_1000, email, smp_years=smp, purchased_on=bought)
        return self.world.installation.issue_licence(order, who=WHO).licence

    def asks(self, licence: Licence | None, category: Category = Category.BUG_REPORT) -> SupportRequest:
        customer = None
        if licence is None:
            customer = self.world.installation.add_customer(CustomerDetails("Nobody", "no@example.com"), who=WHO)
        new = NewRequest(
            category,
            "Layers are gone",
            "I saved, and the layers are gone.",
            RequestChannel.EMAIL,
            licence_id=licence.licence_id if licence is not None else None,
            customer_id=customer.customer_id if customer is not None else None,
            mail_id=f"<{licence.licence_id if licence is not None else 'x'}@customer.example>",
        )
        return self.world.installation.open_request(new, who=WHO)

    def reports(self, licence: Licence, exception: str | None = None) -> Problem:
        report = Report(licence_id=licence.licence_id, exception=exception)
        return self.world.installation.report_problem(NewProblem(TITLE), report, who=WHO)

    def from_request(self, request: SupportRequest, exception: str | None = None) -> Problem:
        report = Report(request=request.number, exception=exception)
        return self.world.installation.report_problem(NewProblem(TITLE), report, who=WHO)

    def joins(self, problem: Problem, licence: Licence) -> None:
        report = Report(licence_id=licence.licence_id)
        self.world.installation.add_problem_reporter(problem.number, report, who=WHO)

    def step(self, problem: Problem, step: TakenByHand) -> Problem:
        return self.world.installation.take_problem_step(problem.number, step, who=WHO)

    def fixes(self, *problems: Problem, version: str = "4.2.1", released_on: date | None = None, **facts: Any) -> None:
        day = released_on or self.world.today
        self.world.publish(version, day, fixes=tuple(one.number for one in problems), **facts)

    def now(self, problem: Problem) -> Problem:
        with self.world.database.reading() as records:
            found = records.problems.get(problem.problem_id)
        assert found is not None
        return found

    def tells(self) -> int:
        catalogue = CatalogueSource(self.world.database, fresh_seconds=0)
        return replace(self.world.installation.tell_reporters, mailer=self.post, catalogue=catalogue)()

    def sends(self) -> list[MailMessage]:
        """Word what is due and send what is queued."""
        self.tells()
        sent = len(self.post.sent)
        replace(self.world.installation.send_mail, mailer=self.post)()
        return self.post.sent[sent:]

    def audited(self, action: str) -> list[dict[str, object]]:
        with self.world.database.reading() as records:
            return [dict(each.details) for each in reversed(records.audit.newest(action=action))]

    def events(self) -> list[str]:
        with self.world.database.reading() as records:
            found = records.outbox.following(0, limit=1_000)
        return [each.event.type.value for each in found if each.event.type.thing == "problem"]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture(params=DATABASES)
def sql_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with migrated(request, tmp_path) as database:
        world = World(tmp_path, database)
        world.add_product()
        yield Desk(world)


# --- Which reports become problem records


def test_a_bug_report_opened_in_a_support_period_becomes_a_problem_record(desk: Desk) -> None:
    problem = desk.from_request(desk.asks(desk.sell()))
    assert (problem.number, problem.status, problem.product) == ("P-1", "reported", CAD)
    assert desk.audited("problem.add_reporter")[0]["request"] is not None
    assert desk.events() == ["problem.reported", "problem.reporter_added"]


def test_what_counts_is_the_day_the_request_was_opened_not_today(desk: Desk) -> None:
    request = desk.asks(desk.sell())
    desk.world.today = TODAY + timedelta(days=800)
    assert desk.from_request(request).status == "reported"


@pytest.mark.parametrize(
    ("bought", "smp", "why"),
    [
        (BOUGHT, None, "no support was ever bought"),
        (TODAY - timedelta(days=400), 1, "support was over, since"),
    ],
)
def test_a_bug_report_opened_outside_a_support_period_is_refused_with_the_reason(
    desk: Desk, bought: date, smp: int | None, why: str
) -> None:
    request = desk.asks(desk.sell(bought=bought, smp=smp))
    with pytest.raises(Conflict, match=why) as refused:
        desk.from_request(request)
    assert refused.value.code == "not_in_support"
    assert "--exception" in str(refused.value.hint)
    assert desk.events() == []


def test_an_operator_can_take_it_all_the_same_and_says_why(desk: Desk) -> None:
    problem = desk.from_request(desk.asks(desk.sell(smp=None)), exception="it hits everybody")
    assert problem.status == "reported"
    assert desk.audited("problem.add_reporter")[0]["exception"] == "it hits everybody"
    with pytest.raises(InvalidRequest) as refused:
        desk.from_request(desk.asks(desk.sell("b@example.com", smp=None)), exception=" ")
    assert refused.value.code == "reason_missing"


def test_no_exception_is_noted_of_a_report_that_needs_none(desk: Desk) -> None:
    desk.from_request(desk.asks(desk.sell()), exception="to be sure")
    assert "exception" not in desk.audited("problem.add_reporter")[0]


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
def test_a_suspended_or_revoked_licence_reports_nothing_by_right(desk: Desk, status: LicenceStatus) -> None:
    licence = desk.sell()
    desk.world.change_status(licence, status)
    for report in (desk.reports, lambda one: desk.from_request(desk.asks(one))):
        with pytest.raises(Conflict, match=status.value):
            report(licence)


def test_a_request_without_a_licence_reports_nothing_by_right(desk: Desk) -> None:
    with pytest.raises(Conflict, match="names no licence"):
        desk.from_request(desk.asks(None))


def test_only_bug_reports_become_problem_records(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        desk.from_request(desk.asks(desk.sell(), Category.FEATURE_REQUEST))
    assert refused.value.code == "not_a_bug_report"


def test_the_vendor_records_what_it_found_itself_without_any_licence(desk: Desk) -> None:
    problem = desk.world.installation.report_problem(NewProblem(TITLE, product=CAD), None, who=WHO)
    assert desk.world.installation.list_problems.one(problem.number.lower()).reporters == ()
    with pytest.raises(InvalidRequest, match="of a product"):
        desk.world.installation.report_problem(NewProblem(TITLE), None, who=WHO)


# --- From step to step


def test_a_problem_goes_from_reported_to_planned_by_the_hands_of_support(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    desk.step(problem, Reproduced(True))
    desk.step(problem, WorkAroundGiven("Save as a copy."))
    planned = desk.step(problem, FixPlanned(Plan(FixKind.SERVICE_PACK, Version("4.2.1"))))
    assert planned.status == "fix_planned"
    history = desk.world.installation.list_problems.one(problem.number).history
    assert [each.action for each in history] == [
        "problem.report", "problem.add_reporter", "problem.reproduce", "problem.work_around", "problem.plan",
    ]  # fmt: skip
    assert history[2].details["before"], history[2].details["after"] == ("reported", "reproduced")


def test_saying_the_same_again_changes_nothing(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    first = desk.step(problem, Reproduced(True))
    desk.world.today += timedelta(days=1)
    assert desk.step(problem, Reproduced(True)) == first
    assert len(desk.audited("problem.reproduce")) == 1


def test_a_step_that_cannot_be_taken_says_why(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    with pytest.raises(Conflict, match="not been reproduced"):
        desk.step(problem, FixPlanned(Plan(FixKind.RELEASE)))
    desk.step(problem, Declined("as designed"))
    with pytest.raises(Conflict, match="was declined") as refused:
        desk.step(problem, Reproduced(True))
    assert "reopen P-1" in str(refused.value.hint)
    assert desk.step(problem, Reopened("it is not")).status == "reported"


def test_reporters_of_a_duplicate_are_told_with_those_of_the_original(desk: Desk) -> None:
    original, again = desk.reports(desk.sell("a@example.com")), desk.reports(desk.sell("b@example.com"))
    desk.step(again, FoundDuplicate(original.number, "same"))
    assert desk.now(again).status == "duplicate"
    desk.fixes(original)
    assert sorted(mail.to for mail in desk.sends()) == ["a@example.com", "b@example.com"]


def test_a_problem_is_no_duplicate_of_itself_of_a_duplicate_or_of_another_products(desk: Desk) -> None:
    one, two = desk.reports(desk.sell("a@example.com")), desk.reports(desk.sell("b@example.com"))
    with pytest.raises(InvalidRequest):
        desk.step(one, FoundDuplicate(one.number, "same"))
    desk.step(two, FoundDuplicate(one.number, "same"))
    with pytest.raises(Conflict, match="itself a duplicate"):
        desk.step(one, FoundDuplicate(two.number, "same"))
    desk.world.add_product(CAM)
    other = desk.world.installation.report_problem(NewProblem(TITLE, product=CAM), None, who=WHO)
    with pytest.raises(InvalidRequest):
        desk.step(one, FoundDuplicate(other.number, "same"))
    with pytest.raises(NotFound):
        desk.step(one, FoundDuplicate(ProblemNumber("P-99"), "same"))


def test_what_was_written_can_be_corrected_and_is_not_kept_in_the_audit_trail(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    changed = desk.world.installation.change_problem(problem.number, ProblemChanges("Layers vanish"), who=WHO)
    assert changed.title == "Layers vanish"
    assert desk.audited("problem.change") == [{"changed": ["title"]}]


# --- Publishing a release that names the problem


def test_publishing_the_release_that_names_the_problem_closes_it(sql_desk: Desk) -> None:
    problem = sql_desk.reports(sql_desk.sell())
    sql_desk.fixes(problem)
    closed = sql_desk.now(problem)
    assert closed.status == "released"
    assert closed.fix is not None
    assert (closed.fix.version, closed.fix.released_on) == (Version("4.2.1"), TODAY)
    assert sql_desk.audited("problem.release")[0]["version"] == "4.2.1"
    assert sql_desk.events()[-1] == "problem.released"


def test_every_reporter_is_told_whether_the_licence_covers_the_fix(sql_desk: Desk) -> None:
    problem = sql_desk.reports(sql_desk.sell("covered@example.com"))
    lapsed = sql_desk.sell("lapsed@example.com", bought=TODAY - timedelta(days=360))
    sql_desk.joins(problem, lapsed)
    sql_desk.world.today = TODAY + timedelta(days=30)
    sql_desk.fixes(problem)
    mails = {mail.to: mail for mail in sql_desk.sends()}
    assert set(mails) == {"covered@example.com", "lapsed@example.com"}
    covered, not_covered = mails["covered@example.com"], mails["lapsed@example.com"]
    assert "P-1: Drawings lose their layers" in covered.text
    assert "Your licence covers this release: it was released while you had support." in covered.text
    assert "Your licence does not cover this release: it came out on 23 December 2026" in not_covered.text
    assert "your support ended on 27 November 2026" in not_covered.text
    assert {one["covered"] for one in sql_desk.audited("problem.tell")} == {True, False}
    assert sql_desk.events()[-2:] == ["problem.reporter_told"] * 2


def test_whoever_is_not_covered_reads_what_support_would_cost_where_it_would_include_the_fix(desk: Desk) -> None:
    licence = desk.sell(bought=TODAY - timedelta(days=360))
    told = replace(desk.world.installation.tell_reporters, mailer=desk.post)
    desk.world.today = TODAY + timedelta(days=30)
    release = desk.world.publish("4.2.1", desk.world.today)
    published = CatalogueSource(desk.world.database).current().product(CAD)
    problem = desk.world.installation.report_problem(NewProblem(TITLE, product=CAD), None, who=WHO)
    backdated = replace(published, product=replace(published.product, lapse_policy=LapsePolicy.BACKDATE))
    news = told.news_of("Ada", problem, release, licence, backdated, desk.world.today)
    text = told.word(news, "en", "ada@example.com").text
    assert "Support would include it:\n  - One year, from 28 November 2026 to 27 November 2027: MYR 150.00" in text
    gap = replace(published, product=replace(published.product, lapse_policy=LapsePolicy.GAP))
    text = told.word(told.news_of("Ada", problem, release, licence, gap, desk.world.today), "en", "a@b.example").text
    assert "if it is ordered today:\n  - One year, from 23 December 2026" in text
    tomorrow = desk.world.today + timedelta(days=1)
    text = told.word(told.news_of("Ada", problem, release, licence, gap, tomorrow), "en", "a@b.example").text
    assert "Reply to this mail or call us" in text
    assert "MYR" not in text


def test_a_paid_upgrade_says_its_price_for_each_user(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    desk.fixes(problem, version="5.0", paid_upgrade=PaidUpgrade(Money(5_000, "MYR"), Money(9_000, "MYR")))
    (mail,) = desk.sends()
    assert "does not cover this release: it is a paid upgrade, MYR 50.00 for each user." in mail.text


def test_a_suspended_or_revoked_licence_is_told_that_it_does_not_cover_the_fix(desk: Desk) -> None:
    for email, status in (("a@example.com", LicenceStatus.SUSPENDED), ("b@example.com", LicenceStatus.REVOKED)):
        licence = desk.sell(email)
        problem = desk.reports(licence)
        desk.world.change_status(licence, status)
        desk.fixes(problem, version=f"4.2.{len(email) + (status is LicenceStatus.REVOKED)}")
        (mail,) = desk.sends()
        assert f"does not cover this release: the licence is {status.value}." in mail.text


@pytest.mark.parametrize("language", ["en", "de", "fr", "zh"])
def test_the_mail_is_in_the_customers_language_as_text_and_html(desk: Desk, language: str) -> None:
    licence = desk.sell()
    desk.world.installation.change_customer(licence.customer_id, {"language": language}, who=WHO)
    desk.fixes(desk.reports(licence))
    (mail,) = desk.sends()
    said = {
        "en": "Your licence covers",
        "de": "Ihre Lizenz umfasst",
        "fr": "Votre licence comprend",
        "zh": "许可证包含",
    }
    assert said[language] in mail.text
    assert said[language] in str(mail.html)
    assert f'lang="{language}"' in str(mail.html)


def test_who_reported_by_a_support_request_is_answered_in_its_thread(sql_desk: Desk) -> None:
    request = sql_desk.asks(sql_desk.sell())
    sql_desk.fixes(sql_desk.from_request(request))
    mail = sql_desk.sends()[-1]
    assert mail.subject == f"[{request.number}] Layers are gone"
    came = f"<{request.licence_id}@customer.example>"
    assert mail.headers["In-Reply-To"] == came
    with sql_desk.world.database.reading() as records:
        thread = records.support_messages.of_request(request.request_id)
    assert thread[-1].body.startswith("Dear Customer")
    assert thread[-1].mail_id == sql_desk.post.message_id(mail.key)


def test_nobody_is_told_twice_by_promotion_republication_or_further_builds(sql_desk: Desk) -> None:
    desk = sql_desk
    problem = desk.reports(desk.sell())
    desk.fixes(problem, channel="beta")
    assert len(desk.sends()) == 1
    desk.fixes(problem, channel="beta")
    desk.world.publish("4.2.1", TODAY, channel="beta", file_name="cad-more.zip", platforms=(LINUX,))
    desk.world.installation.promote(
        CAD, Version("4.2.1"), ChannelName("stable"),
        signers=[desk.world.engineer], online=desk.world.installation.keys.online_signers, who=WHO,
    )  # fmt: skip
    assert desk.sends() == []
    assert len(desk.audited("problem.release")) == 1


def test_a_release_dated_in_the_future_tells_on_its_day(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    desk.fixes(problem, released_on=TODAY + timedelta(days=3))
    assert desk.now(problem).status == "released"
    assert desk.sends() == []
    desk.world.today = TODAY + timedelta(days=2)
    assert desk.sends() == []
    desk.world.today = TODAY + timedelta(days=3)
    assert len(desk.sends()) == 1


def test_a_mail_server_down_for_a_day_loses_nothing(sql_desk: Desk) -> None:
    sql_desk.fixes(sql_desk.reports(sql_desk.sell()))
    sql_desk.post.failing = MailUnavailable("down")
    with pytest.raises(MailUnavailable):
        sql_desk.sends()
    sql_desk.post.failing = None
    sql_desk.world.today += timedelta(days=1)
    assert len(sql_desk.sends()) == 1
    assert sql_desk.sends() == []


def test_without_a_mail_server_notices_wait_for_one(desk: Desk) -> None:
    desk.fixes(desk.reports(desk.sell()))
    assert desk.world.installation.tell_reporters() == 0
    assert len(desk.sends()) == 1


def test_a_halted_release_is_told_of_when_it_goes_on(desk: Desk) -> None:
    desk.fixes(desk.reports(desk.sell()))
    desk.world.roll_out("4.2.1", Rollout(is_halted=True))
    assert desk.sends() == []
    desk.world.roll_out("4.2.1", Rollout())
    assert len(desk.sends()) == 1


def test_who_reports_what_is_fixed_already_is_told_at_once(desk: Desk) -> None:
    problem = desk.reports(desk.sell("a@example.com"))
    desk.fixes(problem)
    desk.sends()
    desk.joins(problem, desk.sell("b@example.com"))
    assert [mail.to for mail in desk.sends()] == ["b@example.com"]


def test_the_same_reporter_is_told_once_however_often_added(desk: Desk) -> None:
    licence = desk.sell()
    problem = desk.reports(licence)
    desk.joins(problem, licence)
    desk.fixes(problem)
    assert len(desk.sends()) == 1


# --- What is refused before anything is signed


def test_an_unknown_problem_or_one_of_another_product_is_refused_before_anything_is_signed(desk: Desk) -> None:
    desk.world.add_product(CAM)
    other = desk.world.installation.report_problem(NewProblem(TITLE, product=CAM), None, who=WHO)
    for number in ("P-99", other.number):
        with pytest.raises(Conflict, match=f"no problem {number} of cad") as refused:
            desk.world.publish("4.2.1", TODAY, fixes=(number,))
        assert refused.value.code == "unknown_problem"
        assert "tenure problems list --product cad" in str(refused.value.hint)
    assert CatalogueSource(desk.world.database).current().product(CAD).releases == ()


def test_a_problem_that_is_over_is_not_fixed_again(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    desk.fixes(problem)
    with pytest.raises(Conflict, match=r"was released in 4\.2\.1 already") as refused:
        desk.fixes(problem, version="4.3")
    assert refused.value.code == "problem_closed"
    assert desk.now(problem).fix is not None
    assert len(CatalogueSource(desk.world.database).current().product(CAD).releases) == 1


# --- Withdrawal


def test_a_withdrawn_release_opens_its_problems_again(sql_desk: Desk) -> None:
    problem = sql_desk.reports(sql_desk.sell())
    sql_desk.fixes(problem)
    sql_desk.world.withdraw("4.2.1", "loses drawings")
    assert sql_desk.now(problem).status == "reported"
    assert sql_desk.audited("problem.reopen")[0]["because"] == "release_withdrawn"
    assert sql_desk.events()[-1] == "problem.reopened"
    assert sql_desk.sends() == []
    sql_desk.fixes(problem, version="4.2.2")
    (mail,) = sql_desk.sends()
    assert "4.2.2" in mail.text


def test_a_withdrawal_leaves_alone_what_another_release_has_fixed_since(desk: Desk) -> None:
    problem = desk.reports(desk.sell())
    desk.fixes(problem)
    desk.step(problem, Reopened("not quite"))
    desk.fixes(problem, version="4.2.2")
    desk.world.withdraw("4.2.1", "bad")
    fix = desk.now(problem).fix
    assert fix is not None
    assert fix.version == Version("4.2.2")


# --- Faults


def test_a_kill_at_any_statement_of_the_publication_leaves_all_of_it_or_nothing(sql_desk: Desk) -> None:
    desk = sql_desk
    problem = desk.reports(desk.sell())
    total = 0
    for step in range(1, 200):
        sent = 0

        def kill(*_: object, at: int = step) -> None:
            nonlocal sent
            sent += 1
            if sent == at:
                raise Killed

        event.listen(Engine, "before_cursor_execute", kill)
        try:
            desk.fixes(problem, version="4.2.1")
        except Killed:
            total += 1
        finally:
            event.remove(Engine, "before_cursor_execute", kill)
        is_published = bool(desk.world.reopened().catalogue.current().product(CAD).releases)
        assert (desk.now(problem).status == "released") == is_published
        with desk.world.database.reading() as records:
            assert len(records.problem_notices.of_problem(problem.problem_id)) == int(is_published)
        if is_published:
            break
    assert total > 10
    assert len(desk.sends()) == 1


def test_an_anonymised_reporter_is_told_nothing_more(desk: Desk) -> None:
    licence, other = desk.sell("a@example.com"), desk.sell("b@example.com")
    problem = desk.reports(licence)
    desk.joins(problem, other)
    desk.fixes(problem)
    anonymise = desk.world.installation.anonymise_customer
    anonymise(licence.customer_id, reason="asked for it", who=WHO)
    desk.tells()
    anonymise(other.customer_id, reason="asked for it", who=WHO)
    assert desk.sends() == []
    assert desk.audited("problem.drop_notice")[0]["reason"] == "the customer was anonymised"


def test_a_reporter_without_an_address_is_noted_and_not_told(desk: Desk) -> None:
    desk.fixes(desk.reports(desk.sell(None)))
    assert desk.sends() == []
    assert desk.audited("problem.drop_notice")[0]["reason"] == "there is no address"
