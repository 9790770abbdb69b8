"""A reply as a mail: the operator's words, in the thread by which mail programs keep it together."""

from __future__ import annotations

from collections.abc import Sequence

from tenure_server.domain.outgoing_mail import WordedMail
from tenure_server.domain.request_mail import MAX_REFERENCES, subject_of
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import SupportRequest


def plain_reply(
    request: SupportRequest, thread: Sequence[SupportMessage], reply: SupportMessage, language: str
) -> WordedMail:
    """RFC 5322, section 3.6.4: it answers the last mail of the thread and refers to those before."""
    assert reply.mailed_to is not None
    before = [message.mail_id for message in thread if message.mail_id is not None][-MAX_REFERENCES:]
    headers = (("In-Reply-To", before[-1]), ("References", " ".join(before))) if before else ()
    return WordedMail(reply.mailed_to, subject_of(request.number, request.subject), reply.body, headers=headers)
