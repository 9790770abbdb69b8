"""A mail as it arrives (RFC 5322, MIME) to what support needs of it."""

from __future__ import annotations

import hashlib
import re
from email import message_from_bytes
from email.errors import MessageError
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default

from bs4 import BeautifulSoup

from tenure_server.domain.customers import is_email
from tenure_server.domain.request_mail import MAX_MAIL_BYTES, MAX_REFERENCES, Attachment, ReceivedMail, without_quotes
from tenure_server.errors import InvalidRequest

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_BULK = frozenset(("bulk", "list", "junk", "auto_reply"))
_MAX_SUBJECT_CHARACTERS = 200
_MAX_NAME_CHARACTERS = 200
_MAX_FILE_NAME_CHARACTERS = 120


def read_mail(data: bytes) -> ReceivedMail:
    """Raises ``InvalidRequest`` (``invalid_mail``, ``mail_too_large``); no message repeats what the mail says."""
    if len(data) > MAX_MAIL_BYTES:
        raise InvalidRequest(f"A mail has at most {MAX_MAIL_BYTES // 1024 // 1024} MiB.", code="mail_too_large")
    try:
        mail = message_from_bytes(data, policy=default)
        assert isinstance(mail, EmailMessage)
        return _read(mail, data)
    except (MessageError, ValueError, LookupError, IndexError, AttributeError, TypeError) as error:
        # the library raises these, too, for headers that are no headers
        raise InvalidRequest("This is no mail that can be read.", code="invalid_mail") from error


def _read(mail: EmailMessage, data: bytes) -> ReceivedMail:
    sender, name = _sender(mail)
    return ReceivedMail(
        message_id=_message_id(mail, data),
        references=_references(mail),
        sender=sender,
        sender_name=name,
        subject=_line(str(mail.get("Subject", "")), _MAX_SUBJECT_CHARACTERS),
        text=without_quotes(_text(mail)),
        attachments=_attachments(mail),
        is_automatic=_is_automatic(mail),
    )


def _sender(mail: EmailMessage) -> tuple[str, str]:
    """The address that wrote the mail, which is where answers go. ``Reply-To`` is passed over: whoever may set it
    could have our answers sent anywhere."""
    header = mail.get("From")
    addresses = header.addresses if isinstance(header, AddressHeader) else ()
    if len(addresses) != 1 or not is_email(addresses[0].addr_spec):
        raise InvalidRequest("The mail does not say from which one address it comes.", code="invalid_mail")
    address = addresses[0]
    return address.addr_spec, _line(address.display_name, _MAX_NAME_CHARACTERS)


def _message_id(mail: EmailMessage, data: bytes) -> str:
    """Its own, or one made of its bytes, so that the same mail again has the same."""
    found = _MESSAGE_ID.search(str(mail.get("Message-ID", "")))
    return found.group() if found else f"<{hashlib.sha256(data).hexdigest()[:40]}@without-message-id.invalid>"


def _references(mail: EmailMessage) -> tuple[str, ...]:
    named = f"{mail.get('References', '')} {mail.get('In-Reply-To', '')}"
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(named)))[-MAX_REFERENCES:]


def _is_automatic(mail: EmailMessage) -> bool:
    """RFC 3834, and what older programs say instead."""
    if str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower() != "no":
        return True
    if str(mail.get("Precedence", "")).strip().lower() in _BULK or "List-Id" in mail:
        return True
    if "X-Autoreply" in mail or "X-Autorespond" in mail or str(mail.get("Return-Path", "")).strip() == "<>":
        return True
    return mail.get_content_type() == "multipart/report"


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    content = part.get_content()
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if part.get_content_type() == "text/html":
        text = _text_of_html(text)
    return "".join(each for each in text.replace("\r\n", "\n") if each in "\n\t" or each.isprintable())


def _text_of_html(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    for each in soup(("script", "style", "head", "title")):
        each.decompose()
    for each in soup("blockquote"):
        each.decompose()
    for each in soup(("br", "p", "div", "li", "tr")):
        each.append("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _attachments(mail: EmailMessage) -> tuple[Attachment, ...]:
    found = []
    for part in mail.iter_attachments():
        payload = part.get_payload(decode=True)
        size = len(payload) if isinstance(payload, bytes) else len(part.as_bytes())
        found.append(Attachment(_line(part.get_filename() or "unnamed", _MAX_FILE_NAME_CHARACTERS), size))
    return tuple(found)


def _line(text: str, most: int) -> str:
    return "".join(each for each in " ".join(text.split()) if each.isprintable())[:most]
