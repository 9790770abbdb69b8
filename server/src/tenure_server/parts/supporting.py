"""Support requests: the queue and what is done with them."""

from __future__ import annotations

from functools import cached_property

from tenure_server.adapters.mime_mail import read_mail
from tenure_server.adapters.request_mail import RequestMailWords
from tenure_server.parts.telling import TellingParts
from tenure_server.use_cases.receive_mail import ReceiveMail
from tenure_server.use_cases.request_mail import RequestMail
from tenure_server.use_cases.support_glance import GlanceAt, WhoCalls
from tenure_server.use_cases.support_queue import ListRequests, ShowRequest
from tenure_server.use_cases.support_requests import ChangeRequest, CloseRequest, OpenRequest, ReopenRequest
from tenure_server.use_cases.support_threads import HearCustomer, NoteOnRequest, ReplyToRequest


class SupportingParts(TellingParts):
    @cached_property
    def request_mail(self) -> RequestMail:
        words = RequestMailWords(self.policy.zone, self.settings.vendor_name, self.settings.public_url)
        return RequestMail(words, self.mailer, self.settings.language)

    @cached_property
    def open_request(self) -> OpenRequest:
        return OpenRequest(self.database, self.clock, self.policy, self.request_mail)

    @cached_property
    def change_request(self) -> ChangeRequest:
        return ChangeRequest(self.database, self.clock, self.policy)

    @cached_property
    def close_request(self) -> CloseRequest:
        return CloseRequest(self.database, self.clock, self.policy)

    @cached_property
    def reopen_request(self) -> ReopenRequest:
        return ReopenRequest(self.database, self.clock, self.policy)

    @cached_property
    def reply_to_request(self) -> ReplyToRequest:
        return ReplyToRequest(self.database, self.clock, self.policy, self.request_mail)

    @cached_property
    def note_on_request(self) -> NoteOnRequest:
        return NoteOnRequest(self.database, self.clock)

    @cached_property
    def hear_customer(self) -> HearCustomer:
        return HearCustomer(self.database, self.clock, self.policy)

    @cached_property
    def receive_mail(self) -> ReceiveMail:
        return ReceiveMail(
            database=self.database,
            clock=self.clock,
            policy=self.policy,
            read=read_mail,
            licence_in=self.identify_licence.in_text,
            open_request=self.open_request,
            hear_customer=self.hear_customer,
            note=self.note_on_request,
        )

    @cached_property
    def list_requests(self) -> ListRequests:
        return ListRequests(self.database, self.clock, self.glance_at)

    @cached_property
    def show_request(self) -> ShowRequest:
        return ShowRequest(self.database, self.clock, self.glance_at)

    @cached_property
    def glance_at(self) -> GlanceAt:
        return GlanceAt(self.catalogue, self.clock, self.policy)

    @cached_property
    def who_calls(self) -> WhoCalls:
        return WhoCalls(self.database, self.glance_at)
