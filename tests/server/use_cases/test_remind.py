"""Reminders from the day they are due to the mail server: never twice, never after a renewal, never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.adapters.smtp_mailer import SmtpMailer, SmtpSettings
from tenure_server.domain.licences import Licence
from tenure_server.domain.products import LapsePolicy
from tenure_server.domain.reminders import ReminderRules, ReminderState
from tenure_server.errors import Conflict, MailRefused, MailUnavailable
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.ports_mail import MailMessage
from tenure_server.use_cases.remind import LEASE, RemindCustomers
from tenure_signing.entitlement import LicenceStatus
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAD, MYR_1000, PRO, WHO, World
from tests.services.mail_server import running_mail_server

BOUGHT = date(2026, 3, 2)
ENDS = date(2027, 3, 1)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Post:
    """A mail server of the test's: ``problem`` is raised instead of taking a mail."""

    sent: list[MailMessage] = field(default_factory=list)
    problem: BaseException | None = None

    def send(self, message: MailMessage) -> None:
        if self.problem is not None:
            raise self.problem
        self.sent.append(message)

    def message_id(self, key: str) -> str:
        return f"<{key}@example.com>"


@dataclass
class Desk:
    world: World
    post: Post = field(default_factory=Post)

    @property
    def remind(self) -> RemindCustomers:
        return replace(self.world.installation.remind_customers, mailer=self.post)

    def sell(self, email: str | None = "ada@example.com", purchased_on: date = BOUGHT, years: int = 1) -> Licence:
        order = LicenceOrder(CAD, PRO, "Ada Tan", MYR_1000, email, smp_years=years, purchased_on=purchased_on)
        return self.world.installation.issue_licence(order, who=WHO).licence

    def on(self, days_left: int) -> int:
        """Move to so many days before the end and remind; how many mails went out."""
        self.world.today = ENDS - timedelta(days=days_left)
        return self.remind()

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.post.sent]

    def states(self, licence: Licence) -> list[tuple[int, str]]:
        with self.world.database.reading() as records:
            return [(one.step, str(one.state)) for one in records.reminders.of_licence(licence.licence_id)]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture(params=DATABASES)
def sql_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with migrated(request, tmp_path) as database:
        world = World(tmp_path, database)
        world.add_product()
        yield Desk(world)


# --- When


def test_from_purchase_to_the_end_a_customer_gets_each_reminder_once(desk: Desk) -> None:
    licence = desk.sell()
    sent = {days: desk.on(days) for days in range(100, -40, -1)}
    assert [days for days, count in sent.items() if count] == [90, 60, 30, 14, 7, 1, -1]
    assert max(sent.values()) == 1
    assert desk.states(licence) == [(step, "sent") for step in (90, 60, 30, 14, 7, 1, -1)]
    assert desk.subjects[3] == "Last call: support for CAD ends on 1 March 2027"
    assert desk.subjects[-1] == "CAD: support has ended"


def test_nobody_is_reminded_after_a_renewal_and_the_new_end_has_reminders_of_its_own(desk: Desk) -> None:
    licence = desk.sell()
    assert desk.on(60) == 1
    desk.world.installation.renew_support(licence.licence_id, 1, who=WHO)
    assert [desk.on(days) for days in (30, 14, 7, 1, -1)] == [0] * 5
    assert desk.on(-366 + 90) == 1  # a leap day lies between
    assert desk.subjects[-1] == "CAD: support ends on 1 March 2028"


def test_a_renewal_while_a_reminder_waits_for_the_mail_server_takes_it_back(desk: Desk) -> None:
    licence = desk.sell()
    desk.post.problem = MailUnavailable("down")
    with pytest.raises(MailUnavailable):
        desk.on(30)
    desk.world.installation.renew_support(licence.licence_id, 1, who=WHO)
    desk.post.problem = None
    assert desk.on(29) == 0
    assert desk.states(licence) == [(30, "dropped")]


def test_a_suspended_licence_one_without_an_address_and_one_without_smp_get_none(desk: Desk) -> None:
    suspended = desk.sell()
    desk.world.change_status(suspended, LicenceStatus.SUSPENDED)
    desk.sell(email=None)
    order = LicenceOrder(CAD, PRO, "Bo", MYR_1000, "bo@example.com", purchased_on=BOUGHT)
    desk.world.installation.issue_licence(order, who=WHO)
    assert desk.on(30) == 0


def test_the_day_is_the_vendors(desk: Desk) -> None:
    """At 20:00 UTC on the 90th day less one it is the 90th day in Kuala Lumpur."""
    desk.sell()
    at = datetime.combine(ENDS - timedelta(days=91), datetime.min.time(), UTC) + timedelta(hours=20)
    in_utc = replace(desk.remind, clock=lambda: at)
    assert in_utc() == 0
    assert replace(in_utc, policy=replace(in_utc.policy, zone=ZoneInfo("Asia/Kuala_Lumpur")))() == 1


def test_without_a_mail_server_nothing_is_queued(desk: Desk) -> None:
    licence = desk.sell()
    desk.world.today = ENDS
    assert replace(desk.remind, mailer=None)() == 0
    assert desk.states(licence) == []
    assert [one.reminder.step for one in desk.remind.due()] == [1]


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    licence = desk.sell()
    desk.world.today = ENDS - timedelta(days=14)
    (due,) = desk.remind.due()
    assert (due.licence.licence_id, due.reminder.step, due.language) == (licence.licence_id, 14, "en")
    assert (desk.states(licence), desk.post.sent) == ([], [])


def test_a_vendor_without_reminders_sends_none(desk: Desk) -> None:
    desk.sell()
    desk.world.today = ENDS
    assert replace(desk.remind, rules=ReminderRules(()))() == 0


# --- What


def test_the_mail_tells_what_the_period_brought_what_renewing_costs_and_until_when(desk: Desk) -> None:
    desk.world.publish("2.0", date(2026, 4, 1))
    desk.world.publish("2.1", date(2026, 12, 24))
    desk.sell()
    desk.on(30)
    text = desk.post.sent[0].text
    assert "ends on 1 March 2027, in 30 days" in text
    assert "2.1, released on 24 December 2026" in text
    assert (
        "One year, from 2 March 2027 to 1 March 2028: MYR 150.00 (1 × 15% of the purchase price of MYR 1,000.00)"
        in (text.replace("\N{NO-BREAK SPACE}", " "))
    )
    assert "(2 × 10% of the purchase price of MYR" in text
    assert "up to and including 1 March 2027" in text
    assert "whatever is released after 1 March 2027 will not be covered" in text
    assert "https://updates.example.com/portal" in text


def test_after_the_end_the_mail_tells_what_was_missed_and_hides_what_is_not_out_yet(desk: Desk) -> None:
    desk.sell()
    desk.world.today = ENDS + timedelta(days=5)
    desk.world.publish("3.0", ENDS + timedelta(days=3))
    desk.world.publish("4.0", ENDS + timedelta(days=300))
    assert desk.on(-5) == 1
    mail = desk.post.sent[0]
    assert "What has been released and is not covered" in mail.text
    assert "3.0, released on 4 March 2027" in mail.text
    assert "4.0" not in mail.text
    assert "Reply to this mail or call us" in mail.text
    assert "Renew support" not in mail.text


def test_where_a_lapsed_licence_can_still_order_the_mail_says_so(world: World) -> None:
    with world.database.writing() as records:
        product = records.products.get(CAD)
        assert product is not None
        tables = vars(records)["_tables"]
        tables.products[CAD] = replace(product, lapse_policy=LapsePolicy.GAP)
    desk = Desk(world)
    desk.sell()
    desk.on(-3)
    assert "Renew support" in desk.post.sent[0].text
    assert "from 4 March 2027 to 3 March 2028" in desk.post.sent[0].text


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", ("endet am 1. März 2027, also in 14 Tagen", "1 × 15 % vom Kaufpreis", "Support verlängern")),
     ("fr", ("prend fin le 1 mars 2027, dans 14 jours", "Renouveler le support")),
     ("zh", ("2027年3月1日", "续订支持服务"))],
)  # fmt: skip
def test_a_reminder_speaks_the_customers_language(desk: Desk, language: str, words: tuple[str, ...]) -> None:
    licence = desk.sell()
    desk.world.today = ENDS - timedelta(days=14)
    worded = desk.remind.worded(licence.licence_id, language)
    said = worded.text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    for word in words:
        assert word in said
    assert f'<html lang="{language}">' in worded.html


def test_the_html_is_harmless_whatever_a_customer_is_called(desk: Desk) -> None:
    order = LicenceOrder(
        CAD, PRO, "<script>alert(1)</script> & Söhne", MYR_1000, "x@example.com", smp_years=1, purchased_on=BOUGHT
    )
    desk.world.installation.issue_licence(order, who=WHO)
    desk.on(30)
    mail = desk.post.sent[0]
    assert mail.html is not None
    assert "<script" not in mail.html
    assert "<script>alert(1)</script> & Söhne" in mail.text


def test_a_licence_that_never_had_support_has_no_reminder_to_show(desk: Desk) -> None:
    licence = desk.world.issue(BOUGHT, smp_years=None).licence
    with pytest.raises(Conflict):
        desk.remind.worded(licence.licence_id)


# --- Who wants none


def test_a_mail_carries_one_click_unsubscription(desk: Desk) -> None:
    licence = desk.sell()
    desk.on(30)
    headers = desk.post.sent[0].headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url.startswith("https://updates.example.com/portal/reminders/")
    assert url in desk.post.sent[0].text
    desk.world.installation.reminder_choice.opt_out_by(url.rpartition("/")[2])
    assert desk.on(14) == 0
    assert desk.world.installation.reminder_choice.opt_in(licence.licence_id, who=WHO)
    assert desk.on(7) == 1


def test_who_opts_out_while_a_reminder_waits_does_not_get_it(desk: Desk) -> None:
    licence = desk.sell()
    desk.post.problem = MailUnavailable("down")
    with suppress(MailUnavailable):
        desk.on(30)
    desk.world.installation.reminder_choice.opt_out(licence.licence_id, who=WHO)
    desk.post.problem = None
    assert desk.on(29) == 0


def test_where_contracts_ask_for_reminders_nobody_can_do_without_them(desk: Desk) -> None:
    licence = desk.sell()
    desk.world.installation.reminder_choice.opt_out(licence.licence_id, who=WHO)
    desk.world.today = ENDS - timedelta(days=30)
    remind = replace(desk.remind, facts_of=replace(desk.remind.facts_of, allows_opt_out=False))
    assert remind() == 1
    assert "List-Unsubscribe" not in desk.post.sent[0].headers
    assert "reminders/" not in desk.post.sent[0].text


# --- Faults


def test_a_mail_server_that_is_down_for_a_day_costs_nothing_and_doubles_nothing(desk: Desk) -> None:
    licences = [desk.sell(f"customer{number}@example.com") for number in range(5)]
    desk.post.problem = MailUnavailable("down")
    start = datetime.combine(ENDS - timedelta(days=30), datetime.min.time(), UTC)
    for hour in range(24):
        with pytest.raises(MailUnavailable):
            replace(desk.remind, clock=lambda at=start + timedelta(hours=hour): at)()
    desk.post.problem = None
    for minute in (0, 1, 90):
        replace(desk.remind, clock=lambda at=start + timedelta(hours=25, minutes=minute): at)()
    assert sorted(mail.to for mail in desk.post.sent) == sorted(str(one.email) for one in licences)
    assert "in 29 days" in desk.post.sent[0].text


def test_after_a_week_without_a_mail_server_one_reminder_goes_out_and_not_all(desk: Desk) -> None:
    licence = desk.sell()
    desk.post.problem = MailUnavailable("down")
    for days in range(14, 5, -1):
        with suppress(MailUnavailable):
            desk.on(days)
    desk.post.problem = None
    assert desk.on(5) == 1
    assert desk.states(licence) == [(14, "dropped"), (7, "sent")]


def test_an_address_that_is_refused_is_told_once_and_not_tried_again(desk: Desk) -> None:
    licence = desk.sell()
    other = desk.sell("bo@example.com")
    desk.post.problem = MailRefused("The mail server refuses the recipient: 550 no such user.")
    desk.on(30)
    desk.post.problem = None
    assert desk.on(29) == 0
    assert desk.states(licence) == desk.states(other) == [(30, "refused")]
    with desk.world.database.reading() as records:
        (found, _) = records.audit.newest(action="reminder.refused")
        assert records.reminders.count(ReminderState.REFUSED) == 2
    assert "550" in str(found.details["problem"])


def test_an_address_that_no_mail_can_be_written_to_holds_nobody_else_up(desk: Desk) -> None:
    odd, other = desk.sell("a,b@example.com"), desk.sell("bo@example.com")
    assert desk.on(30) == 1
    assert (desk.states(odd), desk.states(other)) == ([(30, "refused")], [(30, "sent")])


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Ends everything before that statement, counted from 1, is sent to the database."""
    seen = 0

    def note(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with suppress(Killed):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_whatever_statement_is_killed_every_customer_gets_the_mail_under_one_message_id(sql_desk: Desk) -> None:
    """Only a kill after the mail server took the mail sends it again, and then with the same Message-ID."""
    desk, statement, was_killed = sql_desk, 0, True
    while was_killed:
        statement += 1
        desk.world.today = BOUGHT
        desk.sell(f"customer{statement}@example.com")
        desk.world.today = ENDS - timedelta(days=30)
        before = len(desk.post.sent)
        with killed_at(statement):
            desk.remind()
            was_killed = False
        desk.remind()
        later = desk.world.now() + LEASE
        replace(desk.remind, clock=lambda at=later: at)()
        mails = [mail for mail in desk.post.sent[before:] if mail.to == f"customer{statement}@example.com"]
        assert len({mail.key for mail in mails}) == 1
        assert len(desk.post.sent) - before == len(mails)
        assert len(mails) <= 2
    assert statement > 15
    with desk.world.database.reading() as records:
        assert records.reminders.count(ReminderState.SENT) == statement
        assert records.reminders.count(ReminderState.QUEUED) == 0


def test_several_processes_at_once_send_each_reminder_once(sql_desk: Desk) -> None:
    for number in range(9):
        sql_desk.sell(f"customer{number}@example.com")
    sql_desk.world.today = ENDS - timedelta(days=30)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: sql_desk.remind(), range(3)))
    sql_desk.remind()
    assert len({mail.to for mail in sql_desk.post.sent}) == len(sql_desk.post.sent) == 9


def test_a_reminder_over_a_real_mail_server_has_both_parts_and_the_headers(tmp_path: Path) -> None:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    desk = Desk(world)
    desk.sell()
    world.today = ENDS - timedelta(days=14)
    with running_mail_server() as server:
        smtp = SmtpSettings("127.0.0.1", "CAD Sales <sales@example.com>", security="loopback", port=server.port)
        replace(desk.remind, mailer=SmtpMailer(smtp, world.now))()
    (mail,) = server.received
    assert mail["To"] == "ada@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Last call" in mail["Subject"]
    assert re.search(r"in 14 days", plain.get_content())
    assert "<strong>" in html.get_content()
