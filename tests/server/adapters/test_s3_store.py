"""What is particular to S3: settings, prefixes, paging, unfinished uploads, and services that fail."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import pytest

from tenure_server.adapters.s3_store import S3Settings, S3Store, s3_store
from tenure_server.adapters.sent_bytes import SentBytes
from tenure_server.errors import InvalidKey, SettingsError, StoreUnavailable
from tests.services.ports import free_ports_in_a_row

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.services.swift import S3Server

MIB = 1024 * 1024
SECRET = "a-secret-that-must-not-be-shown"
NOWHERE = S3Settings(
    "releases",
    endpoint_url="http://127.0.0.1:1",
    access_key_id="key",
    secret_access_key=SECRET,
    read_timeout_seconds=0.2,
)


@contextmanager
def opened(settings: S3Settings) -> Iterator[S3Store]:
    store = s3_store(settings)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def settings(s3_server: S3Server) -> S3Settings:
    """A bucket of the test's own."""
    return S3Settings(
        s3_server.new_bucket(),
        "tenure",
        endpoint_url=s3_server.endpoint_url,
        region=s3_server.region,
        access_key_id=s3_server.access_key,
        secret_access_key=s3_server.secret_key,
        part_bytes=5 * 1024 * 1024,
    )


@pytest.fixture
def store(settings: S3Settings) -> Iterator[S3Store]:
    with opened(settings) as store:
        yield store


@pytest.fixture
def client(s3_server: S3Server) -> Iterator[S3Client]:
    client = s3_server.client()
    yield client
    client.close()


def test_every_problem_of_the_settings_is_named_at_once() -> None:
    settings = S3Settings(
        "", "../up", endpoint_url="minio:9000", public_endpoint_url="cdn", access_key_id="key", part_bytes=1
    )
    with pytest.raises(SettingsError) as caught:
        s3_store(settings)
    for problem in ("no name", "prefix", "the endpoint URL", "the public endpoint URL", "secret", "1 bytes"):
        assert problem in str(caught.value)


def test_settings_do_not_show_their_secret() -> None:
    assert SECRET not in repr(NOWHERE)
    assert SECRET not in str(NOWHERE)


def test_a_bucket_name_that_boto3_refuses_is_reported_without_a_link() -> None:
    with opened(replace(NOWHERE, bucket="not a bucket")) as store:
        with pytest.raises(StoreUnavailable, match="could not presign a link in bucket 'not a bucket'"):
            store.signed_url("demo.zip", file_name="demo.zip", seconds=60)
        with pytest.raises(StoreUnavailable, match="could not look up an object"):
            store.stat("demo.zip")


def test_presigned_links_name_their_credential_and_not_the_secret() -> None:
    with opened(NOWHERE) as store:
        url = httpx.URL(store.signed_url("demo.zip", file_name="demo.zip", seconds=60))
    assert url.path == "/releases/demo.zip"
    assert url.params["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert url.params["X-Amz-Credential"].startswith("key/")
    assert url.params["X-Amz-Expires"] == "60"
    assert SECRET not in str(url)


def test_links_name_the_bucket_in_the_host_where_the_settings_ask_for_it() -> None:
    settings = replace(NOWHERE, endpoint_url="https://s3.example.com", addressing_style="virtual")
    with opened(settings) as store:
        url = store.signed_url("demo.zip", file_name="demo.zip", seconds=60)
    assert url.startswith("https://releases.s3.example.com/demo.zip?")


def test_links_lead_to_the_public_endpoint(settings: S3Settings, tmp_path: Path) -> None:
    assert settings.endpoint_url is not None
    public = settings.endpoint_url.replace("127.0.0.1", "localhost")
    source = tmp_path / "source"
    source.write_bytes(b"the build")
    with opened(replace(settings, public_endpoint_url=public)) as store:
        store.put_file("demo.zip", source)
        url = store.signed_url("demo.zip", file_name="demo.zip", seconds=60)
    assert url.startswith(public)
    assert httpx.get(url).content == b"the build"


def test_stores_with_different_prefixes_share_a_bucket_and_see_only_their_own(
    settings: S3Settings, client: S3Client, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with (
        opened(replace(settings, prefix="a")) as a,
        opened(replace(settings, prefix="a/b")) as b,
        opened(replace(settings, prefix="")) as whole,
    ):
        a.put_file("one", source)
        b.put_file("two", source)
        client.put_object(Bucket=settings.bucket, Key="ab/other", Body=b"x")
        assert list(a.keys()) == ["b/two", "one"]
        assert list(b.keys()) == ["two"]
        assert list(whole.keys()) == ["a/b/two", "a/one", "ab/other"]
        assert b.stat("one") is None


def test_objects_of_others_with_names_that_are_no_keys_are_not_listed(
    store: S3Store, settings: S3Settings, client: S3Client
) -> None:
    for name in ("tenure/", "tenure/folder/", "tenure/.hidden", "tenure/a b", "tenure/é", "tenure/../x", "tenure/ok"):
        client.put_object(Bucket=settings.bucket, Key=name, Body=b"x")
    assert list(store.keys()) == ["ok"]


def test_a_long_list_comes_page_by_page(settings: S3Settings, client: S3Client) -> None:
    keys = [f"demo/{number}" for number in range(7)]
    for key in keys:
        client.put_object(Bucket=settings.bucket, Key=f"tenure/{key}", Body=b"x")
    pages = 0

    def small_pages(params: dict[str, Any], **_: object) -> None:
        nonlocal pages
        pages += 1
        params["MaxKeys"] = 2

    client.meta.events.register("before-parameter-build.s3.ListObjectsV2", small_pages)
    assert list(S3Store(settings.bucket, "tenure", client).keys()) == keys
    assert pages == 4


def test_a_key_that_is_too_long_with_its_prefix_is_refused(settings: S3Settings) -> None:
    with opened(replace(settings, prefix="p" * 30)) as store:
        assert store.stat("/".join(["k" * 99] * 9)) is None
        with pytest.raises(InvalidKey, match="1030 characters"):
            store.stat("/".join(["k" * 99] * 9 + ["k" * 99]))


def test_a_failed_upload_leaves_no_parts_behind(
    store: S3Store, settings: S3Settings, client: S3Client, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(21_000_000))
    done = 0

    def fail(amount: int) -> None:
        nonlocal done
        done += amount
        if done > 8_000_000:
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        store.put_file("demo.bin", source, progress=fail)
    assert client.list_multipart_uploads(Bucket=settings.bucket).get("Uploads", []) == []


def test_a_part_that_the_service_refuses_fails_the_upload_and_aborts_it(
    settings: S3Settings, client: S3Client, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(21_000_000))

    def refuse(request: Any, **_: object) -> None:
        if "partNumber=3" in request.url:
            request.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0"

    client.meta.events.register("before-send.s3.UploadPart", refuse)
    store = S3Store(settings.bucket, "tenure", client, part_bytes=5 * 1024 * 1024)
    with pytest.raises(StoreUnavailable, match=f"refused to store an object in bucket '{settings.bucket}'"):
        store.put_file("demo.bin", source)
    assert store.stat("demo.bin") is None
    assert client.list_multipart_uploads(Bucket=settings.bucket).get("Uploads", []) == []


def test_what_killed_writers_left_is_freed_when_it_is_a_day_old(
    store: S3Store, settings: S3Settings, client: S3Client
) -> None:
    client.create_multipart_upload(Bucket=settings.bucket, Key="tenure/demo.bin")
    client.create_multipart_upload(Bucket=settings.bucket, Key="others/demo.bin")
    now = datetime.now(UTC)
    assert list(store.keys()) == []
    assert store.abort_unfinished_uploads(now) == 0
    assert store.abort_unfinished_uploads(now + timedelta(days=1, minutes=5)) == 1
    left = client.list_multipart_uploads(Bucket=settings.bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == ["others/demo.bin"]


@pytest.mark.parametrize("length", [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 15 * MIB, 16_000_001])
def test_a_store_whose_tags_agree_has_received_just_these_bytes(store: S3Store, tmp_path: Path, length: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(length))
    assert store.put_file("demo.bin", source).received_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


def test_a_store_whose_tags_say_something_else_proves_nothing(
    settings: S3Settings, client: S3Client, tmp_path: Path
) -> None:
    """As where objects are encrypted before their MD5 is taken."""
    source = tmp_path / "source"
    source.write_bytes(b"a build")

    def other_tag(parsed: dict[str, Any], **_: object) -> None:
        parsed["ETag"] = '"0123456789abcdef0123456789abcdef"'

    client.meta.events.register("after-call.s3.HeadObject", other_tag)
    stored = S3Store(settings.bucket, "tenure", client).put_file("demo.bin", source)
    assert (stored.length, stored.received_sha256) == (7, None)


def test_what_is_read_twice_for_a_part_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    source, body = tmp_path / "source", os.urandom(1000)
    source.write_bytes(body)
    with SentBytes(source, 300) as sent:
        for start, size in ((0, 500), (200, 400), (600, 400), (0, 10)):
            sent.seek(start)
            assert sent.read(size) == body[start : start + size]
        parts = [hashlib.md5(body[n : n + 300]).digest() for n in range(0, 1000, 300)]
        assert sent.entity_tag(is_multipart=True) == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-4"'
        assert sent.sha256(1000) == hashlib.sha256(body).hexdigest()
        assert sent.sha256(1001) is None


def test_bytes_that_were_left_out_prove_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(1000))
    with SentBytes(source, 300) as sent:
        sent.seek(100)
        buffer = bytearray(900)
        assert sent.readinto(buffer) == 900
        assert sent.sha256(1000) is None


def test_progress_is_reported_by_one_thread_at_a_time(store: S3Store, tmp_path: Path) -> None:
    source, busy = tmp_path / "source", threading.Lock()
    source.write_bytes(bytes(21_000_000))

    def report(amount: int) -> None:
        assert busy.acquire(blocking=False)
        busy.release()

    store.put_file("demo.bin", source, progress=report)


def test_a_missing_bucket_is_a_fault_of_the_store_and_no_missing_object(settings: S3Settings) -> None:
    with opened(replace(settings, bucket="no-such-bucket")) as store:
        with pytest.raises(StoreUnavailable, match="look up an object in bucket 'no-such-bucket'"):
            store.stat("demo.bin")
        with pytest.raises(StoreUnavailable, match="NoSuchBucket") as caught:
            list(store.read("demo.bin"))
        with pytest.raises(StoreUnavailable, match="no-such-bucket"):
            store.delete("demo.bin")
    assert caught.value.hint == "Check the bucket's name; Tenure does not make buckets."


def test_wrong_credentials_are_named_as_such_and_not_shown(settings: S3Settings) -> None:
    with opened(replace(settings, secret_access_key=SECRET)) as store, pytest.raises(StoreUnavailable) as caught:
        store.check()
    assert str(caught.value) == (
        f"The object store refused to check in bucket '{settings.bucket}': SignatureDoesNotMatch, HTTP status 403."
    )
    assert caught.value.hint is not None
    assert "access key" in caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_missing_credentials_are_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with opened(replace(NOWHERE, access_key_id=None, secret_access_key=None)) as store:
        with pytest.raises(StoreUnavailable, match="NoCredentialsError"):
            store.check()
        with pytest.raises(StoreUnavailable, match="NoCredentialsError"):
            store.signed_url("demo.zip", file_name="demo.zip", seconds=60)


def test_a_service_that_is_not_there_is_reported() -> None:
    settings = replace(NOWHERE, endpoint_url=f"http://127.0.0.1:{free_ports_in_a_row(1)}")
    with opened(settings) as store, pytest.raises(StoreUnavailable, match="could not check in bucket 'releases'"):
        store.check()


@contextmanager
def service_answering(answer: bytes | None) -> Iterator[str]:
    """A service that says these bytes to every request and hangs up; with None it never says anything."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                connection, _ = listening.accept()
                if connection.recv(65536) == b"stop":
                    connection.close()
                    return
                if answer is None:
                    held.append(connection)
                    continue
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            with socket.create_connection(listening.getsockname()) as stop:
                stop.sendall(b"stop")
            thread.join()
            for connection in held:
                connection.close()


def test_a_service_that_says_nothing_is_given_up() -> None:
    with (
        service_answering(None) as url,
        opened(replace(NOWHERE, endpoint_url=url)) as store,
        pytest.raises(StoreUnavailable, match="ReadTimeoutError"),
    ):
        store.stat("demo.bin")


def test_an_answer_that_breaks_off_is_an_error_and_no_short_object() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\nonly the beginning'
    with service_answering(answer) as url, opened(replace(NOWHERE, endpoint_url=url)) as store:
        pieces = store.read("demo.bin")
        with pytest.raises(StoreUnavailable, match="could not read an object"):
            list(pieces)


def test_an_answer_that_is_no_s3_is_an_error() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n<html>a login page..."
    with service_answering(answer) as url, opened(replace(NOWHERE, endpoint_url=url)) as store:
        with pytest.raises(StoreUnavailable):
            list(store.keys())
        with pytest.raises(StoreUnavailable):
            store.check()
