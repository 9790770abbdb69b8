"""Builds come straight into an S3-compatible store: multipart uploads with a presigned URL for each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tenure_server.adapters.signed_links import check_link_seconds
from tenure_server.errors import ObjectNotFound

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, PartTypeDef

_NO_UPLOAD = frozenset({"NoSuchUpload", "NoSuchKey", "404", "NotFound"})  # the second: Swift, of a completed one


class S3Uploads:
    """The ``UploadStore`` beside an ``S3Store``. S3 takes 10 000 parts of 5 MiB to 5 GiB; the last may be smaller."""

    def __init__(
        self,
        bucket: str,
        client: S3Client,
        presigner: S3Client,
        full_key: Callable[[str], str],
        translated: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._bucket = bucket
        self._client = client
        self._presigner = presigner
        self._full_key = full_key
        self._translated = translated

    def begin_upload(self, key: str) -> str:
        full_key = self._full_key(key)
        with self._translated("begin an upload"):
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=full_key, ContentType="application/octet-stream"
            )
        return begun["UploadId"]

    def part_url(self, key: str, upload_id: str, number: int, *, length: int, seconds: int) -> str:
        full_key = self._full_key(key)
        parameters = {
            "Bucket": self._bucket,
            "Key": full_key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": length,  # signed with the rest: the store refuses any other
        }
        with self._translated("presign a part"):
            return self._presigner.generate_presigned_url(
                "upload_part", Params=parameters, ExpiresIn=check_link_seconds(seconds), HttpMethod="PUT"
            )

    def list_parts(self, key: str, upload_id: str) -> Mapping[int, int] | None:
        with self._translated("list the parts of an upload"):
            try:
                return {part["PartNumber"]: part["Size"] for part in self._parts(key, upload_id)}
            except ClientError as error:
                if _code(error) in _NO_UPLOAD:
                    return None
                raise

    def complete_upload(self, key: str, upload_id: str) -> None:
        full_key = self._full_key(key)
        with self._translated("complete an upload"):
            try:
                parts: list[CompletedPartTypeDef] = [
                    {"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in self._parts(key, upload_id)
                ]
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=full_key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": parts},
                )
            except ClientError as error:
                if _code(error) in _NO_UPLOAD:
                    raise ObjectNotFound("There is no such upload in the store.") from None
                raise

    def abort_upload(self, key: str, upload_id: str) -> None:
        full_key = self._full_key(key)
        with self._translated("abort an upload"):
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=full_key, UploadId=upload_id)
            except ClientError as error:
                if _code(error) not in _NO_UPLOAD:
                    raise

    def _parts(self, key: str, upload_id: str) -> Iterator[PartTypeDef]:
        full_key = self._full_key(key)
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=full_key, UploadId=upload_id)
        for page in pages:
            yield from page.get("Parts", [])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
