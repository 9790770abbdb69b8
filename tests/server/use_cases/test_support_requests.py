"""RULES.md, Support and maintenance: what becomes of a support request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.outgoing_mail import MailState, OutgoingMail
from tenure_server.domain.support_messages import MessageKind
from tenure_server.domain.support_requests import (
    REMOVED,
    Category,
    Priority,
    RequestChannel,
    RequestContact,
    RequestStatus,
    SupportRequest,
)
from tenure_server.domain.support_terms import SupportTerms, TermsBasis
from tenure_server.errors import Conflict, InvalidRequest, NotFound, UnprocessableRepeat
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.renew_support import support_sale
from tenure_server.use_cases.support_requests import NewRequest, RequestChanges
from tenure_signing.entitlement import LicenceStatus
from tests.server.use_cases.test_orders import NEW, Desk
from tests.server.world import TODAY, WHO, World

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday; support works from 9 to 17 UTC
ADA = RequestContact("Ada Tan", "ada@anker.example", "+60 3 1234")
CALL = NewRequest(Category.LICENSING, "How many users?", "We are three now.", RequestChannel.TELEPHONE, contact=ADA)
MEI = "mei (command line)"


@pytest.fixture
def desk(world: World) -> Desk:
    """With a mail server, which nothing is sent to here."""
    world.installation = world.reopened(
        smtp_host="localhost", smtp_security="loopback", smtp_from="Vendor <help@vendor.example>"
    )
    return Desk(world)


def opened(desk: Desk, licence: Licence | None = None, **more: object) -> SupportRequest:
    licence = licence or desk.sold(TODAY, smp_years=1)
    new = replace(CALL, **{"licence_id": licence.licence_id} | more)  # type: ignore[arg-type]
    return desk.world.installation.open_request(new, who=WHO)


def events(desk: Desk, about: str) -> list[EventType]:
    with desk.world.database.reading() as records:
        return [one.event.type for one in records.outbox.following(0, subject=about, limit=100)]


def mails(desk: Desk, request: SupportRequest) -> tuple[OutgoingMail, ...]:
    with desk.world.database.reading() as records:
        return records.outgoing_mails.of_subject(request.request_id)


def audit(desk: Desk, about: str) -> list[str]:
    with desk.world.database.reading() as records:
        return [one.action for one in reversed(records.audit.newest(subject=about))]


def test_a_request_has_a_channel_a_category_a_priority_and_a_number_to_say_on_the_telephone(desk: Desk) -> None:
    request = opened(desk, category=Category.KEY_CODE, priority=Priority.LOW)
    assert (request.number, opened(desk).number) == ("R-1001", "R-1002")
    assert (request.channel, request.category, request.priority) == (
        RequestChannel.TELEPHONE, Category.KEY_CODE, Priority.LOW,
    )  # fmt: skip
    for said in ("r-1001", "R1001", " R-1001 ", request.request_id):
        assert desk.world.installation.show_request(said).request == request
    assert events(desk, request.request_id) == [EventType.REQUEST_OPENED]
    assert audit(desk, request.request_id) == ["request.opened"]


def test_in_a_support_period_a_request_is_owed_an_answer_within_the_plans_hours(desk: Desk) -> None:
    one, two = desk.sold(TODAY, smp_years=1), desk.sold(TODAY, smp_years=2)
    assert opened(desk, one).due_at == NOON + timedelta(days=2)  # 16 working hours
    assert opened(desk, two).due_at == NOON + timedelta(days=1)  # 8


def test_priority_incidents_in_a_support_period_are_owed_an_answer_sooner_and_come_first(desk: Desk) -> None:
    normal = opened(desk, desk.sold(TODAY, smp_years=2))
    incident = opened(desk, priority=Priority.HIGH)
    without = opened(desk, desk.sold(TODAY, smp_years=None), priority=Priority.URGENT)
    assert incident.is_priority_incident
    assert incident.due_at == NOON + timedelta(hours=4)
    assert not without.is_priority_incident
    assert without.due_at is None
    assert sorted([without, normal, incident], key=lambda one: (one.place.rank, one.place.at)) == [
        incident, normal, without,
    ]  # fmt: skip


def test_outside_a_support_period_the_quotation_says_until_when_support_is_free(desk: Desk) -> None:
    until = TODAY + timedelta(days=30)
    paid = desk.pay(desk.order(replace(NEW, free_support_until=until)))
    with desk.world.database.reading() as records:
        licence = records.licences.get(paid.licence_id or "")
    assert licence is not None
    assert opened(desk, licence).terms == SupportTerms(TermsBasis.QUOTATION, None, until, 16)
    desk.world.today = until + timedelta(days=1)
    assert opened(desk, licence).terms.basis is TermsBasis.NONE


def test_outside_without_a_quotation_no_answer_is_owed_and_the_request_is_still_recorded(desk: Desk) -> None:
    request = opened(desk, desk.sold(TODAY, smp_years=None))
    assert (request.terms.basis, request.due_at, request.status) == (TermsBasis.NONE, None, RequestStatus.NEW)


def test_terms_stay_as_they_were_on_the_day_it_was_opened_when_smp_ends(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=1)
    request = opened(desk, licence)
    desk.world.today = date(2028, 1, 3)
    changed = desk.world.installation.change_request(request.number, RequestChanges(priority=Priority.LOW), who=MEI)
    assert changed.terms == request.terms
    assert changed.due_at == request.due_at
    assert opened(desk, licence).terms.basis is TermsBasis.NONE


def test_terms_stay_as_they_were_when_smp_is_bought_later(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=None)
    request = opened(desk, licence)
    desk.pay(desk.order(support_sale(licence, 2), licence.customer_id))
    assert desk.world.installation.show_request(request.number).request.terms.basis is TermsBasis.NONE
    assert opened(desk, licence).terms.plan_years == 2


def test_consulting_is_not_covered_it_is_recorded_and_referred_to_sales(desk: Desk) -> None:
    request = opened(desk, category=Category.CONSULTING, priority=Priority.URGENT)
    assert (request.status, request.due_at) == (RequestStatus.REFERRED_TO_SALES, None)
    assert not request.is_priority_incident
    assert events(desk, request.request_id) == [EventType.REQUEST_OPENED, EventType.REQUEST_REFERRED_TO_SALES]


def test_what_turns_out_to_be_consulting_goes_to_sales_and_what_is_none_comes_back(desk: Desk) -> None:
    request = opened(desk)
    change = desk.world.installation.change_request
    consulting = change(request.number, RequestChanges(category=Category.CONSULTING), who=MEI)
    assert consulting.status is RequestStatus.REFERRED_TO_SALES
    assert events(desk, request.request_id)[-1] is EventType.REQUEST_REFERRED_TO_SALES
    back = change(request.number, RequestChanges(category=Category.BUG_REPORT), who=MEI)
    assert (back.status, back.due_at) == (RequestStatus.OPEN, request.due_at)


def test_a_reply_waits_to_be_mailed_and_stops_the_clock(desk: Desk) -> None:
    request = opened(desk)
    written = desk.world.installation.reply_to_request(request.number, "You may add users.\r\n", who=MEI)
    assert written.message.body == "You may add users."
    (mail,) = mails(desk, request)
    assert desk.world.installation.show_request(request.number).mails == {mail.key: mail}
    assert mail.worded is not None
    assert (mail.key, mail.state, mail.worded.to) == (written.message.message_id, MailState.QUEUED, ADA.email)
    assert mail.worded.subject == "[R-1001] How many users?"
    assert "You may add users.\n" in mail.worded.text
    assert "> We are three now.\n" in mail.worded.text
    assert (written.request.status, written.request.due_at) == (RequestStatus.WAITING_FOR_CUSTOMER, None)
    assert written.request.answered_at == NOON
    assert events(desk, request.request_id)[-1] is EventType.REQUEST_REPLIED


def test_without_a_mail_server_a_reply_waits_for_one(desk: Desk) -> None:
    request = opened(desk)
    written = desk.world.reopened().reply_to_request(request.number, "Yes.", who=MEI)
    assert (written.message.mailed_to, written.message.mail_id) == (ADA.email, None)
    assert [mail.state for mail in mails(desk, request)] == [MailState.QUEUED]


@pytest.mark.parametrize(
    ("channel", "count"), [(RequestChannel.EMAIL, 1), (RequestChannel.PORTAL, 1), (RequestChannel.TELEPHONE, 0)]
)
def test_who_writes_is_told_that_the_request_is_there_and_by_when_it_is_answered(
    desk: Desk, channel: RequestChannel, count: int
) -> None:
    told = mails(desk, opened(desk, channel=channel))
    assert len(told) == count
    for mail in told:
        assert mail.worded is not None
        assert "know it by the number R-1001" in mail.worded.text
        assert "You will hear from us by 25 November 2026, 12:00 UTC" in mail.worded.text
        assert ("Auto-Submitted", "auto-replied") in mail.worded.headers


def test_answers_stand_in_the_thread_of_the_customers_mails(desk: Desk) -> None:
    request = opened(desk, channel=RequestChannel.EMAIL, mail_id="<1@anker.example>")
    first = desk.world.installation.reply_to_request(request.number, "Which version?", who=MEI).message
    desk.world.installation.hear_customer(request.number, "2.0", who=WHO, mail_id="<2@anker.example>")
    last = desk.world.installation.reply_to_request(request.number, "Take 2.1.", who=MEI).message
    worded = next(mail.worded for mail in mails(desk, request) if mail.key == last.message_id)
    assert worded is not None
    assert dict(worded.headers) == {
        "In-Reply-To": "<2@anker.example>",
        "References": f"<1@anker.example> {first.mail_id} <2@anker.example>",
    }


def test_what_was_said_on_the_telephone_is_an_answer_that_is_not_mailed(desk: Desk) -> None:
    request = opened(desk, contact=RequestContact("Ada", phone="+60 3 1234"))
    reply = desk.world.installation.reply_to_request
    with pytest.raises(InvalidRequest) as refused:
        reply(request.number, "Yes.", who=MEI)
    assert refused.value.code == "no_address"
    written = reply(request.number, "Yes.", who=MEI, by_mail=False, status=RequestStatus.RESOLVED)
    assert written.message.mailed_to is None
    assert mails(desk, request) == ()
    assert written.request.status is RequestStatus.RESOLVED


def test_when_the_customer_writes_again_it_is_the_vendors_turn_with_a_fresh_term(desk: Desk) -> None:
    request = opened(desk)
    installation = desk.world.installation
    installation.reply_to_request(request.number, "Yes.", who=MEI, status=RequestStatus.RESOLVED)
    desk.world.today = date(2026, 11, 30)
    heard = installation.hear_customer(request.number, "No!", who="customer").request
    assert (heard.status, heard.waiting_since) == (RequestStatus.OPEN, NOON + timedelta(days=7))
    assert heard.due_at == NOON + timedelta(days=9)
    assert (heard.first_due_at, heard.answered_at) == (request.due_at, NOON)
    assert events(desk, request.request_id)[-2:] == [EventType.REQUEST_RECEIVED, EventType.REQUEST_REOPENED]


def test_the_same_mail_opens_one_request_and_is_heard_once(desk: Desk) -> None:
    mail = {"channel": RequestChannel.EMAIL, "mail_id": "<1@anker.example>"}
    licence = desk.sold(TODAY)
    request = opened(desk, licence, **mail)
    assert opened(desk, licence, **mail) == request
    hear = desk.world.installation.hear_customer
    once = hear(request.number, "More", who="mail", mail_id="<2@anker.example>")
    assert hear(request.number, "More", who="mail", mail_id="<2@anker.example>") == once
    assert len(desk.world.installation.show_request(request.number).thread) == 2


def test_a_note_is_for_operators_and_stops_no_clock_also_of_what_is_closed(desk: Desk) -> None:
    request = opened(desk)
    installation = desk.world.installation
    noted = installation.note_on_request(request.number, "He sounds angry", who=MEI)
    assert (noted.message.kind, noted.request.due_at) == (MessageKind.NOTE, request.due_at)
    installation.close_request(request.number, who=MEI)
    installation.note_on_request(request.number, "Called again", who=MEI)


def test_a_closed_request_is_reopened_before_anything_else_is_done(desk: Desk) -> None:
    request = opened(desk)
    installation = desk.world.installation
    closed = installation.close_request(request.number, who=MEI)
    assert (closed.status, closed.due_at, closed.ended_at) == (RequestStatus.CLOSED, None, NOON)
    assert installation.close_request(request.number, who=MEI) == closed
    for step in (
        lambda: installation.reply_to_request(request.number, "Hello", who=MEI),
        lambda: installation.change_request(request.number, RequestChanges(assignee="mei"), who=MEI),
    ):
        with pytest.raises(Conflict) as refused:
            step()
        assert refused.value.code == "request_closed"
    reopened = installation.reopen_request(request.number, who=MEI)
    assert (reopened.status, reopened.due_at) == (RequestStatus.OPEN, request.due_at)
    assert events(desk, request.request_id)[-2:] == [EventType.REQUEST_CLOSED, EventType.REQUEST_REOPENED]


def test_a_licence_named_later_brings_its_terms_of_the_day_the_request_was_opened(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=1)
    request = opened(desk, licence_id=None, customer_id=licence.customer_id)
    assert (request.licence_id, request.terms.basis) == (None, TermsBasis.NONE)
    desk.world.today = date(2027, 12, 1)
    changes = RequestChanges(licence_id=licence.licence_id)
    changed = desk.world.installation.change_request(request.number, changes, who=MEI)
    assert (changed.terms.basis, changed.product) == (TermsBasis.SUPPORT_PERIOD, licence.product)
    assert changed.first_due_at == NOON + timedelta(days=2)


def test_another_customers_licence_is_not_taken(desk: Desk) -> None:
    mine, theirs = desk.sold(TODAY), desk.world.issue(TODAY, customer="Other").licence
    with pytest.raises(Conflict) as refused:
        opened(desk, theirs, customer_id=mine.customer_id)
    assert refused.value.code == "another_customers_licence"
    request, changes = opened(desk, mine), RequestChanges(licence_id=theirs.licence_id)
    with pytest.raises(Conflict):
        desk.world.installation.change_request(request.number, changes, who=MEI)


def test_a_change_to_what_is_so_already_is_none(desk: Desk) -> None:
    request = opened(desk)
    changes = RequestChanges(priority=Priority.NORMAL, assignee="", installed_version="")
    assert desk.world.installation.change_request(request.number, changes, who=MEI) == request
    assert audit(desk, request.request_id) == ["request.opened"]


def test_whoever_looked_at_an_older_state_is_told_and_nothing_is_lost(desk: Desk) -> None:
    request = opened(desk)
    reply = desk.world.installation.reply_to_request
    reply(request.number, "Mine", who=MEI, revision=request.revision)
    with pytest.raises(Conflict) as refused:
        reply(request.number, "Mine too", who=WHO, revision=request.revision)
    assert refused.value.code == "request_changed_meanwhile"
    reply(request.number, "Mine too", who=WHO)
    thread = desk.world.installation.show_request(request.number).thread
    assert [message.body for message in thread][1:] == ["Mine", "Mine too"]


def test_a_repeated_call_opens_and_replies_once(desk: Desk) -> None:
    licence = desk.sold(TODAY)
    installation = desk.world.installation
    new, once = replace(CALL, licence_id=licence.licence_id), Once.of("shop", "k1", {"a": 1})
    first = installation.open_request(new, who=WHO, once=once)
    assert installation.open_request(new, who=WHO, once=once) == first
    with pytest.raises(UnprocessableRepeat):
        installation.open_request(new, who=WHO, once=Once.of("shop", "k1", {"a": 2}))
    reply_once = Once.of("shop", "k2", {"b": 1})
    replied = installation.reply_to_request(first.number, "Yes", who=WHO, once=reply_once)
    assert installation.reply_to_request(first.number, "Yes", who=WHO, once=reply_once) == replied


def test_a_suspended_licence_may_ask_and_is_owed_nothing(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=1)
    desk.world.change_status(licence, LicenceStatus.SUSPENDED)
    request = opened(desk, licence)
    assert (request.terms.basis, request.due_at) == (TermsBasis.LICENCE_SUSPENDED, None)


def test_an_anonymised_customers_words_are_forgotten_and_unsent_replies_never_go_out(desk: Desk) -> None:
    licence = desk.sold(TODAY)
    request = opened(desk, licence)
    installation = desk.world.installation
    installation.reply_to_request(request.number, "Dear Ada", who=MEI)
    installation.anonymise_customer(licence.customer_id, reason="asked", who=WHO)
    shown = installation.show_request(request.number)
    assert (shown.request.contact, shown.request.subject) == (RequestContact(REMOVED), REMOVED)
    assert (shown.request.status, shown.request.due_at) == (RequestStatus.CLOSED, None)
    assert [message.body for message in shown.thread] == [REMOVED, REMOVED]
    with desk.world.database.reading() as records:
        assert [mail.state for mail in records.outgoing_mails.of_subject(request.request_id)] == [MailState.DROPPED]
        everything = repr(records.audit.newest(limit=1_000)) + repr(records.outbox.following(0, limit=1_000))
    assert "ada@anker" not in everything
    assert "Dear Ada" not in everything
    for step in (
        lambda: opened(desk, licence),
        lambda: installation.reopen_request(request.number, who=WHO),
        lambda: installation.hear_customer(request.number, "Hi", who=WHO),
    ):
        with pytest.raises(Conflict) as refused:
            step()
        assert refused.value.code == "customer_anonymised"


def test_a_customer_with_requests_is_not_deleted(desk: Desk) -> None:
    customer = desk.world.installation.add_customer(CustomerDetails("Only a caller"), who=WHO)
    opened(desk, licence_id=None, customer_id=customer.customer_id)
    with pytest.raises(Conflict) as refused:
        desk.world.installation.delete_customer(customer.customer_id, reason="double", who=WHO)
    assert refused.value.code == "customer_has_requests"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"subject": " \n "}, "invalid_subject"),
        ({"subject": "x" * 201}, "invalid_subject"),
        ({"subject": "a\0b"}, "invalid_subject"),
        ({"body": "\x1b\x07"}, "message_missing"),
        ({"body": "x" * 100_001}, "message_too_long"),
        ({"contact": RequestContact("", "ada@anker.example")}, "invalid_contact"),
        ({"contact": RequestContact("Ada", "not an address")}, "invalid_email"),
        ({"contact": RequestContact("Ada", phone="1" * 61)}, "invalid_contact"),
        ({"installed_version": "4.2\n"}, "invalid_installed_version"),
        ({"assignee": "\ud800"}, "invalid_assignee"),
    ],
)
def test_absurd_input_is_refused_and_leaves_nothing_behind(desk: Desk, wrong: dict[str, object], code: str) -> None:
    licence = desk.sold(TODAY)
    with pytest.raises(InvalidRequest) as refused:
        opened(desk, licence, **wrong)
    assert refused.value.code == code
    assert opened(desk, licence).number == "R-1001"


def test_what_a_customer_pastes_cannot_steer_the_operators_terminal(desk: Desk) -> None:
    request = opened(desk, body="one\x1b[2J\r\n\ttwo\u202e\x00  \n\n")
    (message,) = desk.world.installation.show_request(request.number).thread
    assert message.body == "one[2J\n\ttwo"


def test_nobody_finds_a_request_that_does_not_exist(desk: Desk) -> None:
    for said in ("R-9", "req_x", "", "\0", "R-" + "9" * 15):
        with pytest.raises(NotFound) as refused:
            desk.world.installation.show_request(said)
        assert refused.value.code == "unknown_request"


def test_a_request_without_licence_and_customer_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        desk.world.installation.open_request(CALL, who=WHO)
    assert refused.value.code == "customer_missing"


def test_only_some_statuses_can_be_set_by_hand(desk: Desk) -> None:
    request = opened(desk)
    for status in (RequestStatus.NEW, RequestStatus.CLOSED):
        if status is request.status:
            continue
        with pytest.raises(InvalidRequest) as refused:
            desk.world.installation.change_request(request.number, RequestChanges(status=status), who=MEI)
        assert refused.value.code == "invalid_status"
