"""The three spellings of the ``Authorization`` header, and everything that is none of them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.errors import AuthenticationRequired, InvalidRequest, Refusal
from tenure_server.http.authentication import MAX_CREDENTIALS_CHARACTERS, licence_key_in

KEY = "eyJhbGciOiJFZERTQSJ9.c2VjcmV0.c2lnbmF0dXJl"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"License {KEY}",
        f"license {KEY}",
        f"LICENSE   {KEY} ",
        f"Bearer {KEY}",
        f"bEaReR {KEY}",
        basic(f"licence:{KEY}"),
        basic(f":{KEY}"),
        basic(f"jürgen:{KEY}"),
        basic(f"licence:{KEY}").replace("Basic", "basic"),
    ],
)
def test_the_key_is_found_in_each_spelling(header: str) -> None:
    assert licence_key_in([header]) == KEY


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "licence_key_missing"),
        (["License"], "licence_key_missing"),
        (["License   "], "licence_key_missing"),
        (["Bearer "], "licence_key_missing"),
        ([basic("licence:")], "licence_key_missing"),
        ([""], "unknown_authorization_scheme"),
        ([KEY], "unknown_authorization_scheme"),
        ([f"Digest {KEY}"], "unknown_authorization_scheme"),
        ([f"Licence {KEY}"], "unknown_authorization_scheme"),
        ([basic(KEY)], "malformed_authorization"),
        (["Basic not-base64!"], "malformed_authorization"),
        (["Basic YTpi\nYTpi"], "malformed_authorization"),
        (["Basic YTpiYQ"], "malformed_authorization"),  # without padding
        (["Basic YTpiYR=="], "malformed_authorization"),  # spare bits
        (["Basic ÿþ"], "malformed_authorization"),
        (["Basic " + base64.b64encode(b"a:\xff").decode()], "malformed_authorization"),
        (["License " + "k" * MAX_CREDENTIALS_CHARACTERS], "malformed_authorization"),
    ],
)
def test_a_header_without_a_usable_key_says_why(headers: list[str], code: str) -> None:
    with pytest.raises(AuthenticationRequired) as refused:
        licence_key_in(headers)
    assert refused.value.code == code
    assert KEY not in str(refused.value)


def test_two_headers_are_refused_because_a_proxy_might_read_the_other_one() -> None:
    with pytest.raises(InvalidRequest) as refused:
        licence_key_in([f"License {KEY}", "License other"])
    assert refused.value.code == "repeated_authorization"


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=2))
def test_any_other_header_is_refused_or_read_and_nothing_else(headers: list[str]) -> None:
    try:
        key: str | None = licence_key_in(headers)
        code = "read"
    except Refusal as error:
        key, code = None, error.code
    assert bool(key) == (code == "read")
    assert code in {
        "read",
        "licence_key_missing",
        "unknown_authorization_scheme",
        "malformed_authorization",
        "repeated_authorization",
    }
