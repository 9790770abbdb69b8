"""Mail that is to go out: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tenure_server.domain.outgoing_mail import MailState, OutgoingMail, WordedMail
from tenure_server.use_cases.ports import Database
from tests.server.adapters.sample_records import NOON

WORDED = WordedMail("mei@acme.example", "[R-7] Help", "Hello ✓", "<p>Hello</p>", (("In-Reply-To", "<a@b.example>"),))
FIRST = OutgoingMail.of("first", "req_1", WORDED, NOON)
SECOND = OutgoingMail.of("second", "req_1", replace(WORDED, html=None, headers=()), NOON + timedelta(minutes=1))
LATER = NOON + timedelta(minutes=30)


def queue(database: Database, *mails: OutgoingMail) -> list[bool]:
    with database.writing() as records:
        return [records.outgoing_mails.queue(mail) for mail in mails]


def test_mail_comes_back_as_it_was_queued_the_oldest_first(database: Database) -> None:
    assert queue(database, SECOND, FIRST) == [True, True]
    with database.reading() as records:
        assert records.outgoing_mails.of_subject("req_1") == (FIRST, SECOND)
        assert records.outgoing_mails.get("first") == FIRST
        assert records.outgoing_mails.of_subject("\0") == ()
        assert records.outgoing_mails.get("\ud800") is None


def test_mail_of_the_same_key_is_queued_once(database: Database) -> None:
    assert queue(database, FIRST, replace(FIRST, subject_id="other")) == [True, False]
    with database.reading() as records:
        assert records.outgoing_mails.get("first") == FIRST
        assert records.outgoing_mails.count(MailState.QUEUED) == 1


def test_mail_is_claimed_by_one_and_again_when_the_claim_runs_out(database: Database) -> None:
    queue(database, FIRST, SECOND)
    with database.writing() as records:
        claimed = records.outgoing_mails.claim(NOON, claim="one", until=LATER, limit=10)
    assert claimed == (replace(FIRST, claim="one", claimed_until=LATER),)
    with database.writing() as records:
        others = records.outgoing_mails.claim(NOON + timedelta(minutes=5), claim="two", until=LATER, limit=10)
        assert [mail.key for mail in others] == ["second"]
        again = records.outgoing_mails.claim(LATER, claim="three", until=LATER + timedelta(hours=1), limit=1)
        assert [mail.key for mail in again] == ["first"]


def test_mail_that_was_sent_is_not_due_and_its_words_are_forgotten(database: Database) -> None:
    queue(database, FIRST)
    with database.writing() as records:
        (claimed,) = records.outgoing_mails.claim(NOON, claim="one", until=LATER, limit=10)
        assert not records.outgoing_mails.finish(claimed.ended(MailState.SENT, NOON), "another")
        assert records.outgoing_mails.finish(claimed.ended(MailState.SENT, NOON), "one")
    with database.reading() as records:
        kept = records.outgoing_mails.get("first")
        assert kept is not None
        assert (kept.state, kept.worded, kept.attempts, kept.ended_at) == (MailState.SENT, None, 1, NOON)
        assert not records.outgoing_mails.is_any_due(LATER)
    assert queue(database, FIRST) == [False]


def test_mail_that_was_postponed_is_due_again_later(database: Database) -> None:
    queue(database, FIRST)
    with database.writing() as records:
        (claimed,) = records.outgoing_mails.claim(NOON, claim="one", until=LATER, limit=10)
        assert records.outgoing_mails.finish(claimed.postponed(NOON), "one")
    with database.reading() as records:
        assert not records.outgoing_mails.is_any_due(NOON + timedelta(seconds=59))
        assert records.outgoing_mails.is_any_due(NOON + timedelta(seconds=60))


def test_mail_of_a_transaction_that_fails_was_never_queued(database: Database) -> None:
    try:
        with database.writing() as records:
            records.outgoing_mails.queue(FIRST)
            raise RuntimeError
    except RuntimeError:
        pass
    with database.reading() as records:
        assert records.outgoing_mails.get("first") is None


def test_mail_about_a_subject_is_forgotten_and_nothing_else(database: Database) -> None:
    queue(database, FIRST, replace(SECOND, subject_id="req_2"))
    with database.writing() as records:
        records.outgoing_mails.forget("req_1")
        records.outgoing_mails.forget("\0")
    with database.reading() as records:
        assert records.outgoing_mails.get("first") is None
        assert records.outgoing_mails.get("second") is not None
