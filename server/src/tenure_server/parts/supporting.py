"""Support requests: the queue and what is done with them."""

from __future__ import annotations

from functools import cached_property

from tenure_server.adapters.plain_reply import plain_reply
from tenure_server.parts.telling import TellingParts
from tenure_server.use_cases.support_queue import ListRequests, ShowRequest
from tenure_server.use_cases.support_requests import ChangeRequest, CloseRequest, OpenRequest, ReopenRequest
from tenure_server.use_cases.support_threads import HearCustomer, NoteOnRequest, ReplyToRequest


class SupportingParts(TellingParts):
    @cached_property
    def open_request(self) -> OpenRequest:
        return OpenRequest(self.database, self.clock, self.policy)

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
        return ReplyToRequest(self.database, self.clock, self.policy, plain_reply, self._message_id_of)

    def _message_id_of(self, key: str) -> str | None:
        return self.mailer.message_id(key) if self.mailer is not None else None

    @cached_property
    def note_on_request(self) -> NoteOnRequest:
        return NoteOnRequest(self.database, self.clock)

    @cached_property
    def hear_customer(self) -> HearCustomer:
        return HearCustomer(self.database, self.clock, self.policy)

    @cached_property
    def list_requests(self) -> ListRequests:
        return ListRequests(self.database)

    @cached_property
    def show_request(self) -> ShowRequest:
        return ShowRequest(self.database)
