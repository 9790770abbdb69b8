"""Mail as programs really write it, read for support."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.adapters.mime_mail import read_mail
from tenure_server.domain.request_mail import MAX_MAIL_BYTES, Attachment, ReceivedMail, subject_of
from tenure_server.errors import InvalidRequest


def mail(body: str, *headers: str, sender: str = "Mei Tan <mei@acme.example>", subject: str = "It crashes") -> bytes:
    lines = [f"From: {sender}", "To: support@vendor.example", f"Subject: {subject}", "Message-ID: <one@acme.example>"]
    return "\r\n".join((*lines, *headers, "", *textwrap.dedent(body).strip().split("\n"))).encode()


def read(
    body: str, *headers: str, sender: str = "Mei Tan <mei@acme.example>", subject: str = "It crashes"
) -> ReceivedMail:
    return read_mail(mail(body, *headers, sender=sender, subject=subject))


def test_a_plain_mail_is_read_as_its_writer_sees_it() -> None:
    found = read("Hello,\n\nit crashes on start.")
    assert (found.sender, found.sender_name) == ("mei@acme.example", "Mei Tan")
    assert found.text == "Hello,\n\nit crashes on start."
    assert (found.message_id, found.references, found.is_automatic) == ("<one@acme.example>", (), False)


def test_what_is_quoted_below_an_answer_is_left_out() -> None:
    found = read("""
        Yes, with 3.2 too.

        On Tue, 24 Nov 2026 at 10:00, Vendor Support <support@vendor.example>
        wrote:

        > Does it happen with 3.2?
        >> It crashes
    """)
    assert found.text == "Yes, with 3.2 too."


def test_what_an_older_program_puts_below_is_left_out() -> None:
    assert read("Yes.\n\n-----Original Message-----\nFrom: Vendor\nDoes it?").text == "Yes."


def test_answers_between_quoted_lines_are_kept_with_them() -> None:
    text = "> Which version?\n3.2\n> On which system?\nDebian"
    assert read(text).text == text


def test_a_mail_of_quotes_alone_is_kept_whole() -> None:
    assert read("> Which version?").text == "> Which version?"


def test_a_mail_in_html_alone_becomes_text_without_its_scripts_and_quotes() -> None:
    found = read(
        "<html><head><title>x</title><style>p{}</style></head><body><p>It <b>crashes</b>.<br>Always.</p>"
        "<script>alert(1)</script><blockquote>old mail</blockquote></body></html>",
        "MIME-Version: 1.0",
        'Content-Type: text/html; charset="utf-8"',
    )
    assert found.text == "It crashes.\nAlways."


def test_attachments_are_named_and_measured() -> None:
    found = read(
        """
        --b
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        It crashes =E2=80=93 see the log.
        --b
        Content-Type: application/octet-stream
        Content-Disposition: attachment; filename="crash log.bin"
        Content-Transfer-Encoding: base64

        AAECAw==
        --b--
        """,
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
    )
    assert found.text == "It crashes – see the log."
    assert found.attachments == (Attachment("crash log.bin", 4),)


def test_an_answer_names_the_mails_before_it() -> None:
    found = read("Yes.", "References: <a@v.example>\r\n <b@v.example>", "In-Reply-To: <b@v.example>")
    assert found.references == ("<a@v.example>", "<b@v.example>")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: Auto-Generated; x=y",
        "Precedence: bulk",
        "List-Id: <news.acme.example>",
        "X-Autoreply: yes",
        "Return-Path: <>",
    ],
)
def test_what_no_person_wrote_is_known(header: str) -> None:
    assert read("I am on holiday.", header).is_automatic


def test_a_mail_that_says_it_was_written_by_hand_is_no_automatic_one() -> None:
    assert not read("Hello.", "Auto-Submitted: no").is_automatic


@pytest.mark.parametrize(
    ("subject", "number", "topic"),
    [
        ("Re: [R-1042] It crashes", "R-1042", "It crashes"),
        ("AW: Re: [R-7] Es stürzt ab", "R-7", "Es stürzt ab"),
        ("回复：[R-7] 崩溃", "R-7", "崩溃"),
        ("[R-1] and [R-2]", None, "and"),
        ("R-12 in the text", None, "R-12 in the text"),
        ("[R-0] none", None, "[R-0] none"),
    ],
)
def test_the_number_of_a_request_is_found_in_the_subject(subject: str, number: str | None, topic: str) -> None:
    found = ReceivedMail("<a@b>", (), "mei@acme.example", "", subject, "")
    assert (found.request_number, found.topic) == (number, topic)


def test_our_own_subject_is_found_again() -> None:
    assert ReceivedMail("<a@b>", (), "a@b.example", "", f"Re: {subject_of('R-9', 'Help')}", "").request_number == "R-9"


def test_answers_go_to_the_writer_never_where_reply_to_says() -> None:
    assert read("Hi.", "Reply-To: thief@evil.example").sender == "mei@acme.example"


@pytest.mark.parametrize("sender", ["", "nobody", "a@b.example, c@d.example", "<>", "@"])
def test_a_mail_from_nowhere_is_refused(sender: str) -> None:
    with pytest.raises(InvalidRequest, match="from which one address"):
        read("Hi.", sender=sender)


def test_the_same_bytes_without_an_identifier_have_the_same_one() -> None:
    data = mail("Hi.").replace(b"Message-ID: <one@acme.example>\r\n", b"")
    assert read_mail(data).message_id == read_mail(data).message_id
    assert read_mail(data).message_id != read_mail(data + b"!").message_id


def test_a_mail_that_is_too_large_is_refused_with_the_limit() -> None:
    with pytest.raises(InvalidRequest, match="25 MiB"):
        read_mail(b"x" * (MAX_MAIL_BYTES + 1))


def test_header_lines_cannot_be_smuggled_in() -> None:
    assert read("Hi.", subject="=?utf-8?q?a=0d=0aBcc:_x@y.example?=").subject.isprintable()
    with pytest.raises(InvalidRequest):
        read("Hi.", sender='"=?utf-8?q?M=0aX?=" <mei@acme.example>')


@given(st.binary(max_size=400))
def test_rubbish_is_read_or_refused_and_never_anything_else(rubbish: bytes) -> None:
    for data in (rubbish, b"From: a@b.example\r\n" + rubbish):
        try:
            found = read_mail(data)
        except InvalidRequest:
            continue
        assert found.subject.isprintable() or not found.subject
