"""Mail to the support address: it finds its request or opens one, once, whoever sends it however often."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.request_mail import Attachment, ReceivedMail
from tenure_server.domain.secret_words import REMOVED
from tenure_server.domain.support_messages import MessageKind
from tenure_server.domain.support_requests import RequestChannel, RequestStatus, SupportRequest
from tenure_server.domain.support_terms import TermsBasis
from tenure_server.errors import Forbidden
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.receive_mail import MOST_OPENED_A_DAY, MailOutcome, TakenMail
from tests.server.use_cases.test_orders import Desk
from tests.server.world import CAD, MYR_1000, PRO, WHO, World

POST = "mail"
MEI = "mei (command line)"
MAIL = ReceivedMail("<1@anker.example>", (), "ada@anker.example", "Ada Tan", "It crashes", "When I save.")


@pytest.fixture
def desk(world: World) -> Desk:
    world.installation = world.reopened(
        smtp_host="localhost", smtp_security="loopback", smtp_from="Vendor <help@vendor.example>"
    )
    return Desk(world)


def take(desk: Desk, mail: ReceivedMail = MAIL, **changed: object) -> TakenMail:
    return desk.world.installation.receive_mail(replace(mail, **changed), who=POST)  # type: ignore[arg-type]


def customer(desk: Desk, email: str = "ada@anker.example") -> str:
    details = CustomerDetails("Anker GmbH", email)
    return desk.world.installation.add_customer(details, who=WHO).customer_id


def sold(desk: Desk, customer_id: str, *, smp_years: int | None = 1) -> str:
    order = LicenceOrder(CAD, PRO, "Anker GmbH", MYR_1000, smp_years=smp_years, customer_id=customer_id)
    return desk.world.installation.issue_licence(order, who=WHO).licence.licence_id


def thread(desk: Desk, taken: TakenMail) -> list[tuple[MessageKind, str]]:
    assert taken.request is not None
    return [(one.kind, one.body) for one in desk.world.installation.show_request(taken.request.number).thread]


def request_of(taken: TakenMail) -> SupportRequest:
    assert taken.request is not None
    return taken.request


def test_a_customers_mail_opens_a_request_with_the_terms_of_the_licence_in_support(desk: Desk) -> None:
    whose = customer(desk)
    sold(desk, whose, smp_years=None)
    supported = sold(desk, whose)
    taken = take(desk)
    request = request_of(taken)
    assert taken.outcome is MailOutcome.OPENED
    assert (request.customer_id, request.licence_id, request.channel) == (whose, supported, RequestChannel.EMAIL)
    assert (request.terms.basis, request.subject) == (TermsBasis.SUPPORT_PERIOD, "It crashes")
    assert thread(desk, taken) == [(MessageKind.CUSTOMER, "When I save.")]


def test_the_same_mail_again_changes_nothing(desk: Desk) -> None:
    first, again = take(desk), take(desk)
    assert (first.outcome, again.outcome) == (MailOutcome.OPENED, MailOutcome.KNOWN)
    assert again.request == first.request


def test_an_answer_to_our_mail_joins_its_request_and_makes_it_our_turn(desk: Desk) -> None:
    request = request_of(take(desk))
    reply = desk.world.installation.reply_to_request(request.number, "Which version?", who=MEI).message
    answer = take(
        desk, message_id="<2@anker.example>", references=(str(reply.mail_id),), subject="Re: something", text="2.1"
    )
    assert answer.outcome is MailOutcome.ADDED
    assert request_of(answer).status is RequestStatus.OPEN
    assert thread(desk, answer)[-1] == (MessageKind.CUSTOMER, "2.1")


def test_an_answer_to_what_was_closed_opens_it_again(desk: Desk) -> None:
    request = request_of(take(desk))
    desk.world.installation.close_request(request.number, who=MEI)
    answer = take(desk, message_id="<2@anker.example>", references=(MAIL.message_id,), text="It is back.")
    assert (answer.outcome, request_of(answer).status) == (MailOutcome.ADDED, RequestStatus.OPEN)


def test_the_number_in_the_subject_is_enough_from_an_address_of_the_customer(desk: Desk) -> None:
    request = request_of(take(desk))
    answer = take(desk, message_id="<2@anker.example>", subject=f"Re: [{request.number}] It crashes")
    assert (answer.outcome, request_of(answer).number) == (MailOutcome.ADDED, request.number)


def test_a_stranger_who_guesses_a_number_does_not_get_into_the_conversation(desk: Desk) -> None:
    request = request_of(take(desk))
    strange = take(
        desk, message_id="<x@evil.example>", sender="eve@evil.example", subject=f"Re: [{request.number}] It crashes"
    )
    assert strange.outcome is MailOutcome.OPENED
    assert request_of(strange).number != request.number
    assert request_of(strange).customer_id != request.customer_id


def test_somebody_unknown_becomes_a_customer_and_a_request_is_never_lost(desk: Desk) -> None:
    taken = take(desk, sender_name="")
    assert request_of(taken).contact.name == "ada@anker.example"
    assert request_of(taken).terms.basis is TermsBasis.NONE
    again = take(desk, message_id="<2@anker.example>", subject="Another thing")
    assert request_of(again).customer_id == request_of(taken).customer_id


def test_a_licence_key_in_the_mail_says_whose_it_is_and_is_not_kept(desk: Desk) -> None:
    issued = desk.world.installation.issue_licence(
        LicenceOrder(CAD, PRO, "Bo Lim", MYR_1000, smp_years=1, customer_id=customer(desk, "bo@lim.example")), who=WHO
    )
    taken = take(desk, text=f"My key\n{issued.key}\ndoes not work.")
    assert request_of(taken).licence_id == issued.licence.licence_id
    assert thread(desk, taken) == [(MessageKind.CUSTOMER, f"My key\n{REMOVED}\ndoes not work.")]


def test_a_forged_key_in_the_mail_says_nothing_and_is_not_kept_either(desk: Desk) -> None:
    forged = f"{'e' * 40}.{'f' * 40}.{'g' * 86}"
    taken = take(desk, text=f"My key {forged}")
    assert request_of(taken).licence_id is None
    assert thread(desk, taken) == [(MessageKind.CUSTOMER, f"My key {REMOVED}")]


def test_an_absence_note_is_kept_for_operators_and_changes_nothing(desk: Desk) -> None:
    request = request_of(take(desk))
    reply = desk.world.installation.reply_to_request(request.number, "Which version?", who=MEI)
    absent = take(
        desk,
        message_id="<2@anker.example>",
        references=(str(reply.message.mail_id),),
        subject="Away",
        text="Back on Monday.",
        is_automatic=True,
    )
    assert absent.outcome is MailOutcome.NOTED
    assert request_of(absent).status is RequestStatus.WAITING_FOR_CUSTOMER
    assert thread(desk, absent)[-1] == (MessageKind.NOTE, "Away\n\nBack on Monday.")


def test_what_nobody_wrote_and_answers_nothing_is_ignored(desk: Desk) -> None:
    assert take(desk, is_automatic=True) == TakenMail(MailOutcome.IGNORED, None)


def test_attachments_are_named_and_an_empty_mail_is_one_too(desk: Desk) -> None:
    taken = take(desk, text="", subject="", attachments=(Attachment("crash.log", 1204),))
    assert request_of(taken).subject == "(no subject)"
    assert thread(desk, taken) == [(MessageKind.CUSTOMER, "[Attachment, not kept: crash.log, 1,204 bytes]")]
    assert thread(desk, take(desk, message_id="<2@a.example>", text=""))[0][1] == "[An empty mail.]"


def test_a_program_gone_wild_is_stopped(desk: Desk) -> None:
    for number in range(MOST_OPENED_A_DAY):
        take(desk, message_id=f"<{number}@a.example>")
    with pytest.raises(Forbidden) as refused:
        take(desk, message_id="<one-more@a.example>")
    assert refused.value.code == "too_many_requests_by_mail"


def test_mail_of_an_anonymised_customer_opens_a_request_of_somebody_new(desk: Desk) -> None:
    before = request_of(take(desk))
    desk.world.installation.anonymise_customer(before.customer_id, reason="asked", who=WHO)
    after = take(desk, message_id="<2@anker.example>", references=(MAIL.message_id,))
    assert after.outcome is MailOutcome.OPENED
    assert request_of(after).customer_id != before.customer_id


def test_terms_are_those_of_the_day_the_mail_arrived(desk: Desk) -> None:
    whose = customer(desk)
    sold(desk, whose)
    desk.world.today = date(2027, 11, 22)
    assert request_of(take(desk)).terms.basis is TermsBasis.SUPPORT_PERIOD
    desk.world.today = date(2027, 11, 23)
    assert request_of(take(desk, message_id="<2@a.example>")).terms.basis is TermsBasis.NONE
