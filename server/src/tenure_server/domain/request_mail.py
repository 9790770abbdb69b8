"""Mail that customers send to the support address: what is read of it, and how it finds its request.

A mail belongs to the request whose mail it answers (``References``, ``In-Reply-To``: RFC 5322, section 3.6.4), else to
the one whose number stands in its subject as ``[R-1042]``, if it comes from an address of that customer: numbers can be
guessed, the identifiers of our mails cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenure_server.domain.customers import is_email

MAX_MAIL_BYTES = 25 * 1024 * 1024
"""Of a whole mail, attachments and all, as it arrives."""

MAX_REFERENCES = 100
"""Mails that one mail names as those before it; of more, the last ones count."""

_NUMBER_IN_SUBJECT = re.compile(r"\[(R-[1-9][0-9]{0,8})\]", re.ASCII)
_REPLY_PREFIX = re.compile(r"^\s*((re|aw|antw|fw|fwd|wg|sv|回复|返信)\s*(\[\d+\])?\s*[:\uff1a]\s*)+", re.IGNORECASE)
_NO_ONE = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply)@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """``message_id`` and ``references`` are in angle brackets, the latter the oldest first. ``text`` is what a person
    reads, without the mails quoted below it. ``is_automatic``: nobody wrote it (an absence note, a bounce, a list)."""

    message_id: str
    references: tuple[str, ...]
    sender: str
    sender_name: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    is_automatic: bool = False

    @property
    def request_number(self) -> str | None:
        """The number in the subject, if there is one and only one."""
        numbers = set(_NUMBER_IN_SUBJECT.findall(self.subject))
        return numbers.pop() if len(numbers) == 1 else None

    @property
    def topic(self) -> str:
        """The subject without ``Re:`` and numbers."""
        return " ".join(_REPLY_PREFIX.sub("", _NUMBER_IN_SUBJECT.sub("", self.subject)).split())


def subject_of(number: str, subject: str) -> str:
    """The subject of every mail about a request, by which mail programs and people find its thread."""
    return f"[{number}] {subject}"


def can_be_answered(address: str) -> bool:
    """Whether a person may read what is sent there."""
    return is_email(address) and not _NO_ONE.match(address)


def without_quotes(text: str) -> str:
    """The mail without what mail programs put below: earlier mails quoted with ``>`` and the line that announces them,
    or everything from a line of dashes with "Original Message" on. A mail of quotes alone stays whole."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = _end_of_own_words(lines)
    own = "\n".join(lines[:end]).strip()
    return own or text.strip()


_ORIGINAL = re.compile(
    r"^-{2,}\s*(original message|ursprüngliche nachricht|mesej asal|原始邮件|转发邮件)\s*-{2,}$", re.I
)
_ANNOUNCED_LINES = 3


def _end_of_own_words(lines: Sequence[str]) -> int:
    for number, line in enumerate(lines):
        if _ORIGINAL.match(line.strip()):
            return number
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    if end == len(lines) or not any(line.lstrip().startswith(">") for line in lines[end:]):
        return len(lines)
    # "On Tuesday … wrote:" stands in one line or is wrapped into a few
    first = end
    if lines[end - 1].rstrip().endswith((":", "\uff1a")):
        while first and lines[first - 1].strip() and end - first < _ANNOUNCED_LINES:
            first -= 1
    return first
