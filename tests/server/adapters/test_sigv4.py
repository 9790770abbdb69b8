"""Our presigned links are botocore's, byte for byte."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import auth
from botocore.credentials import ReadOnlyCredentials

from tenure_server.adapters.s3_store import S3Settings, S3Store, s3_store
from tenure_server.adapters.signed_links import MAX_LINK_SECONDS
from tenure_server.adapters.sigv4 import Credentials, Place, SigV4Links

SETTINGS = S3Settings(bucket="builds", access_key_id="AKIDEXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCY")
PLACES = (
    SETTINGS,
    replace(SETTINGS, prefix="tenure/main", region="eu-central-1"),
    replace(SETTINGS, addressing_style="virtual"),
    replace(SETTINGS, addressing_style="auto", region="ap-southeast-1"),
    replace(SETTINGS, endpoint_url="https://s3.example.com:9000", secret_access_key="ключ"),
    replace(SETTINGS, endpoint_url="http://127.0.0.1:80/behind/a/proxy", access_key_id="a+b/c=d"),
    replace(SETTINGS, endpoint_url="http://internal:1234", public_endpoint_url="https://Downloads.Example.com:443"),
    replace(SETTINGS, endpoint_url="http://[::1]:8080", region="us-west-2"),
)
CASES_OF_EACH = 400
ALPHABET = "ABCxyz019._-"


class _Clock:
    """Botocore's and ours at once."""

    now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(auth, "get_current_datetime", lambda remove_tzinfo=True: clock.now.replace(tzinfo=None))
    return clock


def name(chance: random.Random, longest: int) -> str:
    """Between letters, because store keys and file names may not begin or end with anything."""
    return "A" + "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(longest - 1))) + "z"


def links_of(store: S3Store) -> SigV4Links:
    links = store._links
    assert links is not None
    return links


@pytest.mark.parametrize("settings", PLACES, ids=range(len(PLACES)))
def test_the_links_are_those_of_botocore(settings: S3Settings, clock: _Clock) -> None:
    chance = random.Random(f"{settings.region} {settings.endpoint_url}")
    ours, theirs = s3_store(settings), s3_store(settings)
    links_of(ours).clock = clock
    theirs._links = None
    for _ in range(CASES_OF_EACH):
        clock.now += timedelta(seconds=chance.randrange(20_000))
        key = "/".join(name(chance, 40) for _ in range(chance.randrange(1, 6)))
        arguments: dict[str, Any] = {
            "file_name": name(chance, 199),
            "seconds": chance.choice([1, 300, 86_400, MAX_LINK_SECONDS, chance.randrange(1, MAX_LINK_SECONDS)]),
        }
        assert ours.signed_url(key, **arguments) == theirs.signed_url(key, **arguments)
    ours.close()
    theirs.close()


def test_a_session_token_is_part_of_the_link(clock: _Clock) -> None:
    token = "FwoGZXIvYXdzE//+=="
    store = s3_store(SETTINGS)
    credentials = Credentials("AK", "SK", token)
    links = SigV4Links(links_of(store).place, credentials, clock)
    ours = links.link("a/b", disposition='attachment; filename="b"', media_type="text/plain", seconds=60)
    from botocore.awsrequest import AWSRequest

    base, _, query = ours.partition("?")
    wanted = query.partition("&X-Amz-Algorithm")[0]
    request = AWSRequest("GET", f"{base}?{wanted}")
    auth.S3SigV4QueryAuth(ReadOnlyCredentials("AK", "SK", token), "s3", "us-east-1", expires=60).add_auth(request)
    assert ours == request.url
    store.close()


def test_without_credentials_of_our_own_boto3_signs() -> None:
    store = s3_store(replace(SETTINGS, access_key_id=None, secret_access_key=None))
    assert store._links is None
    store.close()


def test_no_secret_shows() -> None:
    links = links_of(s3_store(SETTINGS))
    links.link("a", disposition="x", media_type="y", seconds=1)
    assert str(SETTINGS.secret_access_key) not in repr(links)


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example.com/builds/other?X-Amz-Credential=AK/20261123/eu/s3/aws4_request",
        "https://s3.example.com/builds/key?X-Amz-Credential=AK/20261123/eu/sqs/aws4_request",
    ],
)
def test_a_link_of_another_form_tells_no_place(url: str) -> None:
    with pytest.raises(ValueError, match="link"):
        Place.of(url, "key")
