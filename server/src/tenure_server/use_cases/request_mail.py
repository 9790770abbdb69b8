"""Mail about support requests, queued in the transaction of what it tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.outgoing_mail import OutgoingMail
from tenure_server.domain.request_mail import can_be_answered
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import RequestChannel, SupportRequest
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.customers import customer_of, language_of
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.ports_mail import Mailer
from tenure_server.use_cases.ports_support import WordRequestMail

ANSWERED_BY_ITSELF = frozenset({RequestChannel.EMAIL, RequestChannel.PORTAL})
"""Whoever rang has heard already that we know."""


@dataclass(frozen=True, slots=True)
class RequestMail:
    """``mailer`` is None where no mail server is set: then replies wait. ``language`` is that of customers of whom
    none is known."""

    word: WordRequestMail
    mailer: Mailer | None
    language: str

    def addressed(self, request: SupportRequest, reply: SupportMessage) -> SupportMessage:
        """The reply with the address that its mail goes to, and the mail's Message-ID. Raises ``InvalidRequest``
        (``no_address``)."""
        if request.contact.email is None:
            raise InvalidRequest(
                f"Nobody said an e-mail address for request {request.number}.",
                code="no_address",
                hint="set one with tenure support change --email, or reply --by-telephone what you said there",
            )
        mail_id = self.mailer.message_id(reply.message_id) if self.mailer is not None else None
        return replace(reply, mail_id=mail_id, mailed_to=request.contact.email)

    def queue_reply(self, records: Records, request: SupportRequest, reply: SupportMessage) -> None:
        thread = [
            one for one in records.support_messages.of_request(request.request_id) if one.message_id != reply.message_id
        ]
        worded = self.word.reply(request, thread, reply, self._language(records, request))
        records.outgoing_mails.queue(OutgoingMail.of(reply.message_id, request.request_id, worded, reply.at))

    def acknowledge(self, records: Records, request: SupportRequest, now: datetime) -> None:
        """Tell who wrote that the request is there, where somebody reads it."""
        email = request.contact.email
        if self.mailer is None or request.channel not in ANSWERED_BY_ITSELF:
            return
        if email is None or not can_be_answered(email):
            return
        thread = records.support_messages.of_request(request.request_id)
        worded = self.word.received(request, thread, self._language(records, request))
        key = f"received {request.request_id}"
        records.outgoing_mails.queue(OutgoingMail.of(key, request.request_id, worded, now))

    def _language(self, records: Records, request: SupportRequest) -> str:
        return language_of(customer_of(records, request.customer_id), self.language)
