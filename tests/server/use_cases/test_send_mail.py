"""Mail that changes left behind reaches the mail server once, whatever happens on the way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.events import EventType
from tenure_server.domain.outgoing_mail import MailState, OutgoingMail, WordedMail, pause_after
from tenure_server.errors import MailRefused, MailUnavailable
from tenure_server.use_cases.ports_mail import MailMessage
from tenure_server.use_cases.send_mail import LEASE, SendMail
from tests.server.adapters.sample_records import NOON


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Post:
    """A mail server of the test's: ``problem`` is raised after taking the mail if ``takes``, else instead."""

    sent: list[MailMessage] = field(default_factory=list)
    problem: BaseException | None = None
    takes: bool = False

    def send(self, message: MailMessage) -> None:
        if self.problem is None or self.takes:
            self.sent.append(message)
        if self.problem is not None:
            raise self.problem

    def message_id(self, key: str) -> str:
        return f"<{key}@example.com>"


@dataclass
class Office:
    post: Post = field(default_factory=Post)
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    now: datetime = NOON

    def queue(self, key: str = "first", to: str = "mei@acme.example") -> None:
        with self.database.writing() as records:
            worded = WordedMail(to, "[R-7] Help", "Hello", headers=(("In-Reply-To", "<a@b.example>"),))
            records.outgoing_mails.queue(OutgoingMail.of(key, "req_1", worded, self.now))

    def send(self) -> int:
        return SendMail(self.database, lambda: self.now, self.post, "help@vendor.example")()

    def state(self, key: str = "first") -> MailState:
        with self.database.reading() as records:
            mail = records.outgoing_mails.get(key)
        assert mail is not None
        return mail.state


def test_mail_goes_out_once_with_its_thread_and_where_answers_go() -> None:
    office = Office()
    office.queue()
    assert (office.send(), office.send()) == (1, 0)
    (mail,) = office.post.sent
    assert (mail.to, mail.reply_to, dict(mail.headers)) == (
        "mei@acme.example",
        "help@vendor.example",
        {"In-Reply-To": "<a@b.example>"},
    )
    assert office.state() is MailState.SENT


def test_while_the_mail_server_is_down_for_a_day_mail_waits_and_then_goes_out_once() -> None:
    office = Office(Post(problem=MailUnavailable("It does not answer.")))
    office.queue("first")
    office.queue("second")
    for _ in range(24 * 4):
        with suppress(MailUnavailable):
            office.send()
        office.now += timedelta(minutes=15)
    office.post.problem = None
    office.now += timedelta(hours=1)
    assert office.send() == 2
    assert sorted(mail.key for mail in office.post.sent) == ["first", "second"]


def test_one_address_that_is_refused_stops_no_other_mail_and_is_told() -> None:
    office = Office()
    office.queue("bad", to="mei..tan@acme.example,x@y.example")
    office.queue("good")
    assert office.send() == 1
    assert (office.state("bad"), office.state("good")) == (MailState.REFUSED, MailState.SENT)
    with office.database.reading() as records:
        events = records.outbox.following(0, limit=10)
    assert [(each.event.type, each.event.subject) for each in events] == [(EventType.MAIL_REFUSED, "req_1")]


def test_what_the_mail_server_never_takes_is_not_tried_again() -> None:
    office = Office(Post(problem=MailRefused("The mail server refuses the recipient.")))
    office.queue()
    assert (office.send(), office.state()) == (0, MailState.REFUSED)


def test_a_kill_before_the_mail_server_has_it_loses_nothing() -> None:
    office = Office(Post(problem=Killed()))
    office.queue()
    with pytest.raises(Killed):
        office.send()
    office.post.problem = None
    assert office.send() == 0
    office.now += LEASE
    assert (office.send(), len(office.post.sent)) == (1, 1)


def test_a_kill_before_our_note_of_it_sends_it_again_under_the_same_name() -> None:
    office = Office(Post(problem=Killed(), takes=True))
    office.queue()
    with pytest.raises(Killed):
        office.send()
    office.post.problem = None
    office.now += LEASE
    office.send()
    assert {mail.key for mail in office.post.sent} == {"first"}


def test_without_a_mail_server_mail_waits() -> None:
    office = Office()
    office.queue()
    assert SendMail(office.database, lambda: NOON, None, None)() == 0
    assert office.state() is MailState.QUEUED


def test_pauses_grow_to_an_hour() -> None:
    assert [pause_after(attempts) / timedelta(minutes=1) for attempts in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]
