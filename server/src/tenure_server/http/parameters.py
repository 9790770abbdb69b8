"""What requests say, parsed by the same parsers as everything else: one sentence for each kind of mistake.

These types read every request and are the source of the parameters in ``/openapi.json``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from tenure_server.http.reading import IN_HEADER, IN_PATH, RequestModel
from tenure_signing.entitlement import Turn
from tenure_signing.key_sets import Purpose
from tenure_signing.languages import Language, parse_language
from tenure_signing.names import (
    OPERATING_SYSTEMS,
    ChannelName,
    FileName,
    Platform,
    ProductName,
    parse_channel,
    parse_file_name,
    parse_product,
    platform_of,
)
from tenure_signing.statements import MAX_CHARACTERS
from tenure_signing.versions import MAX_VERSION_CHARACTERS, Version, parse_version

MAX_PAGE = 500
DEFAULT_PAGE = 100
NO_CERTIFICATE = "none"

_INSTALL_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_CERTIFICATE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HASHED_NAME = re.compile(r"([0-9a-f]{64})\.(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class RequestedFile:
    """A file by its name, and by its SHA-256 where the request says it: TUF clients ask for ``<sha256>.<name>``."""

    name: FileName
    sha256: str | None = None

    @property
    def whole(self) -> str:
        """The file name as it was asked for."""
        return self.name if self.sha256 is None else f"{self.sha256}.{self.name}"


def parse_requested_file(text: str) -> RequestedFile:
    """A file name with or without its hash before it. Raises ``InvalidName``."""
    hashed = _HASHED_NAME.fullmatch(text)
    if hashed is None:
        return RequestedFile(parse_file_name(text))
    return RequestedFile(parse_file_name(hashed[2]), hashed[1])


def _parse_os(text: str) -> str:
    return platform_of(text, "any").os


def _parse_arch(text: str) -> str:
    return platform_of("any", text).arch


def _parse_install_id(text: str) -> str:
    if not _INSTALL_ID.fullmatch(text):
        raise ValueError("an install id is 8 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
    return text


def _parse_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is either true or false")
    return text == "true"


def _parse_turn(text: str) -> Turn:
    if text not in tuple(Turn):
        raise ValueError(f"a turn is one of {', '.join(Turn)}")
    return Turn(text)


def _parse_limit(text: str) -> int:
    if not _LIMIT.fullmatch(text) or int(text) > MAX_PAGE:
        raise ValueError(f"a limit is a whole number from 1 to {MAX_PAGE}")
    return int(text)


def parse_certificate(text: str) -> str:
    longest = MAX_CHARACTERS[Purpose.CERTIFICATE]
    if len(text) > longest:
        raise ValueError(f"an SMP certificate has at most {longest} characters")
    if text != NO_CERTIFICATE and not _CERTIFICATE.fullmatch(text):
        raise ValueError(f"is either an SMP certificate or the word {NO_CERTIFICATE}")
    return text


def _string(description: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, **more})


_PRODUCT = _string("the product's name", maxLength=64, examples=["cad"])
_CHANNEL = _string("the release channel", maxLength=64, examples=["stable"])
_OS = _string(f"{', '.join(OPERATING_SYSTEMS)}, or an alias such as darwin", examples=["linux"])
_ARCH = _string("x86_64, aarch64 and so on, or an alias such as amd64", examples=["x86_64"])


_LANG = _string(
    "the language of the notes, such as de or pt-br; default: Accept-Language, else the product's own", maxLength=35
)


class UpdateCheckRequest(RequestModel):
    product: Annotated[ProductName, PlainValidator(parse_product), _PRODUCT]
    version: Annotated[
        Version,
        PlainValidator(parse_version),
        _string(
            "the installed version; need not be one the server knows",
            maxLength=MAX_VERSION_CHARACTERS,
            examples=["2.4.1"],
        ),
    ]
    os: Annotated[str, PlainValidator(_parse_os), _OS]
    arch: Annotated[str, PlainValidator(_parse_arch), _ARCH]
    channel: Annotated[ChannelName, PlainValidator(parse_channel), _CHANNEL] = ChannelName("stable")
    install_id: Annotated[
        str | None,
        PlainValidator(_parse_install_id),
        _string(
            "anonymous id of the install; fixes its place in rollouts",
            minLength=8,
            maxLength=64,
            pattern="^[A-Za-z0-9._-]+$",
        ),
    ] = None
    manual: Annotated[
        bool,
        PlainValidator(_parse_boolean),
        WithJsonSchema({"type": "boolean", "description": "true when a person asked: rollout shares do not apply"}),
    ] = False
    turn: Annotated[
        Turn | None,
        PlainValidator(_parse_turn),
        _string("when in a rollout the install wants to come; default: as its licence has it", enum=list(Turn)),
    ] = None
    lang: Annotated[Language | None, PlainValidator(parse_language), _LANG] = None
    certificate: Annotated[
        str | None,
        PlainValidator(parse_certificate),
        _string(
            f"the SMP certificate the product has, or {NO_CERTIFICATE}; the answer then carries a fresh one",
            maxLength=MAX_CHARACTERS[Purpose.CERTIFICATE],
        ),
    ] = Field(default=None, alias="Tenure-Certificate", json_schema_extra=IN_HEADER)

    @property
    def machine(self) -> Platform:
        return Platform(self.os, self.arch)


class ReleasesRequest(RequestModel):
    os: Annotated[str | None, PlainValidator(_parse_os), _OS] = None
    arch: Annotated[str | None, PlainValidator(_parse_arch), _ARCH] = None
    channel: Annotated[ChannelName | None, PlainValidator(parse_channel), _CHANNEL] = None
    limit: Annotated[
        int,
        PlainValidator(_parse_limit),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "description": "releases on a page"}),
    ] = DEFAULT_PAGE
    lang: Annotated[Language | None, PlainValidator(parse_language), _LANG] = None
    cursor: Annotated[
        Version | None, PlainValidator(parse_version), _string("`next_cursor` of the page before", maxLength=64)
    ] = None

    @model_validator(mode="after")
    def _machine_is_whole(self) -> Self:
        if (self.os is None) != (self.arch is None):
            raise ValueError("os and arch go together")
        return self

    @property
    def machine(self) -> Platform | None:
        return Platform(self.os, self.arch) if self.os is not None and self.arch is not None else None


_FILE = _string("the file's name, with or without `<sha256>.` before it", maxLength=265)


class DownloadRequest(RequestModel):
    product: Annotated[ProductName, PlainValidator(parse_product), _PRODUCT] = Field(json_schema_extra=IN_PATH)
    version: Annotated[
        Version, PlainValidator(parse_version), _string("the release's version", maxLength=MAX_VERSION_CHARACTERS)
    ] = Field(json_schema_extra=IN_PATH)
    file: Annotated[RequestedFile, PlainValidator(parse_requested_file), _FILE] = Field(json_schema_extra=IN_PATH)


class TrustedFileRequest(RequestModel):
    file: Annotated[RequestedFile, PlainValidator(parse_requested_file), _FILE] = Field(json_schema_extra=IN_PATH)


class MetadataRequest(RequestModel):
    file: Annotated[
        str,
        PlainValidator(str),
        _string("`timestamp.json`, `<version>.root.json`, `<version>.<role>.json`", maxLength=100),
    ] = Field(json_schema_extra=IN_PATH)


class StoredFileRequest(RequestModel):
    """The parts of a signed link. Links are used as they were given, so this only describes them."""

    key: Annotated[str, PlainValidator(str), _string("where the file lies in the store")] = Field(
        json_schema_extra=IN_PATH
    )
    expires: Annotated[str, PlainValidator(str), _string("Unix seconds")]
    name: Annotated[str, PlainValidator(str), _string("the file name to save under")]
    signature: Annotated[str, PlainValidator(str), _string("lower-case hexadecimal")]


class NoParameters(RequestModel):
    """An address that takes none."""
