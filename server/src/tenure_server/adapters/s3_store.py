"""The object store in any S3-compatible service, through boto3.

Nothing beyond what Swift, Ceph and AWS have in common is used: no conditional writes, tags, storage classes or
checksums kept by the store. Requests are signed with SigV4; presigned URLs too, whose ``X-Amz-Credential`` makes
updaters drop their own credentials on the redirect.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tenure_server.adapters.s3_uploads import S3Uploads
from tenure_server.adapters.sent_bytes import SentBytes
from tenure_server.adapters.signed_links import check_link_seconds, content_disposition
from tenure_server.adapters.sigv4 import Credentials, Place, SigV4Links
from tenure_server.adapters.store_keys import check_key, check_prefix, is_key
from tenure_server.errors import InvalidKey, ObjectNotFound, SettingsError, StoreUnavailable
from tenure_server.use_cases.ports import Progress, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_PART_BYTES = 16 * 1024 * 1024  # a quarter less work for the store than 8
MIN_PART_BYTES = 5 * 1024 * 1024  # S3 refuses smaller parts
MAX_S3_KEY_BYTES = 1024
LEFTOVER_AGE = timedelta(days=1)

_PIECE_BYTES = 1024 * 1024
_UPLOAD_THREADS = 4
_ATTEMPTS = 3  # of each request, the first included
_MEDIA_TYPE = "application/octet-stream"
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the bucket is and how to talk to it.

    Without an access key boto3 looks for credentials in its own places: environment, files, the machine's role.
    """

    bucket: str
    prefix: str = ""  # store keys follow it after a slash
    endpoint_url: str | None = None  # None: AWS
    region: str = "us-east-1"  # also right where the store has no regions
    addressing_style: Literal["path", "virtual", "auto"] = "path"
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    checksum_mode: Literal["when_supported", "when_required"] = "when_supported"  # required: older stores over https
    part_bytes: int = DEFAULT_PART_BYTES  # of multipart uploads, and the size from which they begin
    public_endpoint_url: str | None = None  # the host that customers reach; only in presigned URLs
    connect_timeout_seconds: float = 5
    read_timeout_seconds: float = 30  # between two pieces, not for a whole transfer


def s3_store(settings: S3Settings) -> S3Store:
    """The store for these settings; nothing is asked of it yet. Raises ``SettingsError`` naming every problem."""
    if problems := list(_problems(settings)):
        raise SettingsError("The object store cannot be used: " + "; ".join(problems) + ".")
    try:
        client = _client(settings, settings.endpoint_url)
        presigner = _client(settings, settings.public_endpoint_url) if settings.public_endpoint_url else client
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"The object store's settings are not understood ({type(error).__name__}).") from error
    return S3Store(
        settings.bucket,
        settings.prefix,
        client,
        presigner=presigner,
        links=_links(settings, presigner),
        part_bytes=settings.part_bytes,
    )


def _links(settings: S3Settings, presigner: S3Client) -> SigV4Links | None:
    """None where the credentials are not ours to know but boto3's to find and renew, and for a bucket whose name boto3
    refuses: then it signs each link, or says what is wrong with it."""
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    credentials = Credentials(settings.access_key_id, settings.secret_access_key)
    try:
        url = presigner.generate_presigned_url("get_object", Params={"Bucket": settings.bucket, "Key": "key"})
        return SigV4Links(Place.of(url, "key"), credentials)
    except (BotoCoreError, ValueError):
        return None


def _problems(settings: S3Settings) -> Iterator[str]:
    if not settings.bucket:
        yield "the bucket has no name"
    if settings.prefix and not is_key(settings.prefix):
        yield "the prefix is no store key (segments of A-Z a-z 0-9 . _ -, joined by /)"
    if (settings.access_key_id is None) != (settings.secret_access_key is None):
        yield "the access key and its secret must be given together"
    for name, url in (("endpoint", settings.endpoint_url), ("public endpoint", settings.public_endpoint_url)):
        if url is not None and not url.startswith(("http://", "https://")):
            yield f"the {name} URL does not begin with http:// or https://"
    if settings.part_bytes < MIN_PART_BYTES:
        yield f"a part has {settings.part_bytes} bytes, the least is {MIN_PART_BYTES}"


def _client(settings: S3Settings, endpoint_url: str | None) -> S3Client:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": settings.addressing_style},
            request_checksum_calculation=settings.checksum_mode,
            response_checksum_validation=settings.checksum_mode,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        ),
    )


class S3Store:
    """An ``ObjectStore`` over a bucket, all keys below the prefix. Safe to use from several threads.

    ``presigner`` is a client whose endpoint customers reach, where that is another than ours.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        client: S3Client,
        *,
        presigner: S3Client | None = None,
        links: SigV4Links | None = None,
        part_bytes: int = DEFAULT_PART_BYTES,
    ) -> None:
        self._bucket = bucket
        self._base = f"{check_key(prefix)}/" if prefix else ""
        self._client = client
        self._presigner = presigner or client
        self._links = links
        self._transfer = TransferConfig(
            multipart_threshold=part_bytes,
            multipart_chunksize=part_bytes,
            max_concurrency=_UPLOAD_THREADS,
            preferred_transfer_client="classic",
        )
        self._transfer.max_in_memory_upload_chunks = (
            _UPLOAD_THREADS  # a put holds so many parts in memory, and one more
        )

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        progress: Progress | None = None,
        media_type: str = _MEDIA_TYPE,
        cache_control: str | None = None,
    ) -> StoredObject:
        """Store the file under the key, all of it or nothing: S3 shows an object when its last byte has arrived.

        ``media_type`` and ``cache_control`` are what the store says of it to those who GET it without a signed link.
        A failed multipart upload is aborted; one whose writer was killed stays invisible until
        ``abort_unfinished_uploads``. The progress of a part that is sent again is taken back by a negative number.
        The bytes' SHA-256 is told where the object's entity tag says that just those arrived (``sent_bytes``). Raises
        ``OSError`` when the source cannot be read.
        """
        full_key = self._full_key(key)
        headers = {"ContentType": media_type} | ({"CacheControl": cache_control} if cache_control is not None else {})
        part_bytes = self._transfer.multipart_chunksize
        with SentBytes(source, part_bytes) as body:
            length = os.fstat(body.fileno()).st_size
            with self._translated("store an object"):
                self._client.upload_fileobj(
                    body,
                    self._bucket,
                    full_key,
                    ExtraArgs=headers,
                    Callback=_one_at_a_time(progress) if progress is not None else None,
                    Config=self._transfer,
                )
                found = self._client.head_object(Bucket=self._bucket, Key=full_key)
            tag = body.entity_tag(is_multipart=length >= part_bytes)
            is_proved = found["ETag"] == tag and found["ContentLength"] == length
            return StoredObject(key, length, body.sha256(length) if is_proved else None)

    def stat(self, key: str) -> StoredObject | None:
        """What is stored under the key, or None."""
        full_key = self._full_key(key)
        with self._translated("look up an object"):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=full_key)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                self._client.head_bucket(Bucket=self._bucket)  # a HEAD cannot say whether key or bucket is missing
                return None
        return StoredObject(key, found["ContentLength"])

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in pieces of at most 1 MiB: all of them, or ``StoreUnavailable``."""
        return self._pieces(self._full_key(key))

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if there is none."""
        full_key = self._full_key(key)
        with self._translated("delete an object"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=full_key)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in order. Names that are no keys, put there by others, are left out."""
        return (found.key for found in self.objects(prefix))

    def objects(self, prefix: str = "") -> Iterator[StoredObject]:
        """As ``keys``, with the lengths that the listing states."""
        return self._listed(self._base + check_prefix(prefix))

    def public_url(self, key: str) -> str:
        """Where a stranger would GET the object, without a signature; whether it works is for the bucket to say."""
        parameters = {"Bucket": self._bucket, "Key": self._full_key(key)}
        with self._translated("name an object"):
            return self._presigner.generate_presigned_url("get_object", Params=parameters).partition("?")[0]

    def signed_url(self, key: str, *, file_name: str, seconds: int) -> str:
        """A presigned URL that anyone can GET, with ranges, for that many seconds (1 to 604 800), but not HEAD.

        Raises ``InvalidName`` for an unsafe file name and ``ValueError`` for another lifetime.
        """
        full_key, disposition = self._full_key(key), content_disposition(file_name)
        if self._links is not None:
            lifetime = check_link_seconds(seconds)
            return self._links.link(full_key, disposition=disposition, media_type=_MEDIA_TYPE, seconds=lifetime)
        parameters = {
            "Bucket": self._bucket,
            "Key": full_key,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": _MEDIA_TYPE,
        }
        with self._translated("presign a link"):
            return self._presigner.generate_presigned_url(
                "get_object", Params=parameters, ExpiresIn=check_link_seconds(seconds), HttpMethod="GET"
            )

    def check(self) -> None:
        """Put, get and delete a small object below the prefix; raise ``StoreUnavailable`` unless all of it works."""
        probe, token = f"{self._base}.check-{secrets.token_hex(8)}", secrets.token_bytes(32)
        with self._translated("check"):
            self._client.put_object(Bucket=self._bucket, Key=probe, Body=token)
            try:
                with closing(self._client.get_object(Bucket=self._bucket, Key=probe)["Body"]) as body:
                    given_back = body.read(len(token) + 1)
            finally:
                self._client.delete_object(Bucket=self._bucket, Key=probe)
        if given_back != token:
            raise StoreUnavailable(f"The object store does not give back what was written to bucket {self._bucket!r}.")

    def uploads(self) -> S3Uploads:
        """How builds come straight into this store."""
        return S3Uploads(self._bucket, self._client, self._presigner, self._full_key, self._translated)

    def close(self) -> None:
        """Close the connections that are kept open for the next request."""
        self._client.close()
        self._presigner.close()

    def abort_unfinished_uploads(self, now: datetime, older_than: timedelta = LEFTOVER_AGE) -> int:
        """Free what killed writers left: multipart uploads begun before ``now - older_than``. Returns how many."""
        aborted = 0
        with self._translated("abort unfinished uploads"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._base
            )
            for page in pages:
                for upload in page.get("Uploads", []):
                    if upload["Initiated"] < now - older_than:
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        aborted += 1
        return aborted

    def _full_key(self, key: str) -> str:
        full_key = self._base + check_key(key)
        if len(full_key) > MAX_S3_KEY_BYTES:
            raise InvalidKey(
                f"The key has {len(full_key)} characters with the store's prefix; S3 allows {MAX_S3_KEY_BYTES}."
            )
        return full_key

    def _pieces(self, full_key: str) -> Iterator[bytes]:
        with self._translated("read an object"):
            body = self._client.get_object(Bucket=self._bucket, Key=full_key)["Body"]
        with closing(body):
            while True:
                with self._translated("read an object"):
                    piece = body.read(_PIECE_BYTES)  # raises at the end if bytes are missing
                if not piece:
                    return
                yield piece

    def _listed(self, full_prefix: str) -> Iterator[StoredObject]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=full_prefix))
        while True:
            with self._translated("list objects"):
                page = next(pages, None)
            if page is None:
                return
            for entry in page.get("Contents", []):
                key = entry["Key"].removeprefix(self._base)
                if is_key(key):
                    yield StoredObject(key, entry["Size"])

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        """Errors of boto3 as ours: they name operation and bucket, and never a URL, which could be a presigned one."""
        try:
            yield
        except ClientError as error:
            raise self._from_client_error(operation, error) from error
        except BotoCoreError as error:
            raise StoreUnavailable(
                f"The object store could not {operation} in bucket {self._bucket!r}: {type(error).__name__}.",
                hint="Check the endpoint's address, the network and that credentials are configured.",
            ) from error

    def _from_client_error(self, operation: str, error: ClientError) -> ObjectNotFound | StoreUnavailable:
        code, response = _code(error), error.response
        if code == "NoSuchKey":
            return ObjectNotFound("There is no object with this key in the store.")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        hint = None
        if status in _REFUSED:
            hint = "Check the access key, its secret, the region and what the bucket's policy allows."
        elif code in ("NoSuchBucket", "404"):
            hint = "Check the bucket's name; Tenure does not make buckets."
        return StoreUnavailable(
            f"The object store refused to {operation} in bucket {self._bucket!r}: {code}, HTTP status {status}.",
            hint=hint,
        )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _one_at_a_time(progress: Progress) -> Callable[[int], Any]:
    """Parts are sent by several threads; the caller's function is called by one at a time."""
    lock = threading.Lock()

    def report(done: int) -> None:
        with lock:
            progress(done)

    return report
