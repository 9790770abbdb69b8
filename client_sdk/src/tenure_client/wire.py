"""The server's answers, parsed once and exactly; members that this version does not know are passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from tenure_client.answers import Renewal, RenewalOption, Support
from tenure_client.configuration import origin_of
from tenure_client.errors import InvalidServerAnswer
from tenure_signing.days import parse_day
from tenure_signing.entitlement import SupportPeriod
from tenure_signing.errors import SigningError
from tenure_signing.names import (
    ChannelName,
    EditionName,
    ProductName,
    parse_channel,
    parse_edition,
    parse_product,
)
from tenure_signing.releases import Money
from tenure_signing.strict_text import json_object
from tenure_signing.update_choice import UpdateStatus
from tenure_signing.versions import Kind, Version, parse_version

MAX_ANSWER_BYTES = 4_000_000
_MAX_LIST = 10_000
_MAX_TEXT = 2_000_000
_LARGEST = 2**53

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class WireBuild:
    """A build as the server describes it; only compared with the signed one."""

    path: str
    file_name: str
    os: str
    arch: str
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WireOffer:
    """The server's offer: advice, to be compared with signed facts."""

    version: Version
    kind: Kind
    released_on: date
    channel: ChannelName
    is_downgrade: bool
    last_step: Version | None
    notes: str | None
    builds: tuple[WireBuild, ...]


@dataclass(frozen=True, slots=True)
class WireNewest:
    version: Version
    released_on: date
    is_covered: bool


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """The answer to an update check."""

    status: UpdateStatus
    product: ProductName
    edition: EditionName
    installed_version: Version
    installed_is_withdrawn: bool
    offer: WireOffer | None
    newest: WireNewest | None
    support: Support
    renewal: Renewal
    certificate: str | None
    pinned: str | None


class _Members:
    """A JSON object read member by member; complaints name the member and never its value."""

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidServerAnswer(f"the server's answer: {where or 'it'} is no JSON object")
        self._values: dict[str, object] = value
        self._where = where

    def refusal(self, name: str, problem: str) -> InvalidServerAnswer:
        return InvalidServerAnswer(f"the server's answer: {self._where}{name} {problem}")

    def take(self, name: str, kind: type[T]) -> T:
        value = self._values.get(name)
        if type(value) is not kind:
            raise self.refusal(name, f"is missing or no {kind.__name__}")
        return value

    def number(self, name: str, lowest: int = 0) -> int:
        value = self.take(name, int)
        if not lowest <= value <= _LARGEST:
            raise self.refusal(name, "is out of range")
        return value

    def text(self, name: str) -> str:
        value = self.take(name, str)
        if len(value) > _MAX_TEXT:
            raise self.refusal(name, "is too long")
        return value

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(self.text(name))
        except (SigningError, ValueError):
            raise self.refusal(name, "cannot be read") from None

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """``read(name)``, or None for null; the member has to be there."""
        if name not in self._values:
            raise self.refusal(name, "is missing")
        return None if self._values[name] is None else read(name)

    def one_of(self, name: str, kind: type[E]) -> E:
        return self.parsed(name, kind)

    def object(self, name: str) -> _Members:
        return _Members(self._values.get(name), f"{self._where}{name}.")

    def objects(self, name: str) -> list[_Members]:
        items = self.take(name, list)
        if len(items) > _MAX_LIST:
            raise self.refusal(name, "is too long")
        return [_Members(item, f"{self._where}{name}.{place}.") for place, item in enumerate(items)]


def parse_update_answer(data: bytes) -> WireAnswer:
    """The answer of ``GET /v1/update-check``. Raises ``InvalidServerAnswer``."""
    members = _answer(data)
    installed = members.object("installed")
    answer = WireAnswer(
        status=members.one_of("status", UpdateStatus),
        product=members.parsed("product", parse_product),
        edition=members.parsed("edition", parse_edition),
        installed_version=installed.parsed("version", parse_version),
        installed_is_withdrawn=installed.optional("withdrawn", installed.object) is not None,
        offer=_offer(offer) if (offer := members.optional("offer", members.object)) is not None else None,
        newest=_newest(newest) if (newest := members.optional("newest", members.object)) is not None else None,
        support=_support(members.object("support")),
        renewal=_renewal(members.object("renewal")),
        certificate=members.optional("certificate", members.text),
        pinned=members.optional("pinned", members.text) if "pinned" in members else None,  # older servers know no pins
    )
    _require_consistent(answer)
    return answer


def parse_certificate_of(data: bytes) -> str:
    """The fresh certificate in the answer of ``GET /v1/licence``. Raises ``InvalidServerAnswer``."""
    return _answer(data).text("certificate")


def _answer(data: bytes) -> _Members:
    try:
        return _Members(json_object(data))
    except (ValueError, RecursionError) as error:
        raise InvalidServerAnswer("the server's answer is not the JSON it should be") from error


def _require_consistent(answer: WireAnswer) -> None:
    offer = answer.offer
    match answer.status:
        case UpdateStatus.UPDATE_AVAILABLE:
            consistent = offer is not None and not offer.is_downgrade
        case UpdateStatus.INSTALLED_WITHDRAWN:
            consistent = answer.installed_is_withdrawn
        case UpdateStatus.UP_TO_DATE | UpdateStatus.UPDATE_NOT_COVERED:
            consistent = offer is None
    if not consistent:
        raise InvalidServerAnswer(f"the server's answer contradicts itself: its status is {answer.status}")


def _offer(offer: _Members) -> WireOffer:
    return WireOffer(
        version=offer.parsed("version", parse_version),
        kind=offer.one_of("kind", Kind),
        released_on=offer.parsed("released_on", parse_day),
        channel=offer.parsed("channel", parse_channel),
        is_downgrade=offer.take("downgrade", bool),
        last_step=offer.optional("last_step", lambda name: offer.parsed(name, parse_version)),
        notes=offer.optional("notes", offer.text),
        builds=tuple(_build(build) for build in offer.objects("builds")),
    )


def _build(build: _Members) -> WireBuild:
    return WireBuild(
        path=build.text("path"),
        file_name=build.text("file_name"),
        os=build.text("os"),
        arch=build.text("arch"),
        length=build.number("length"),
        sha256=build.text("sha256"),
    )


def _newest(newest: _Members) -> WireNewest:
    return WireNewest(
        version=newest.parsed("version", parse_version),
        released_on=newest.parsed("released_on", parse_day),
        is_covered=newest.take("covered", bool),
    )


def _support(support: _Members) -> Support:
    return Support(
        is_supported_today=support.take("supported_today", bool),
        last_covered_day=support.optional("last_covered_day", lambda name: support.parsed(name, parse_day)),
        days_left=support.number("days_left"),
        periods=tuple(_period(period) for period in support.objects("periods")),
    )


def _period(period: _Members) -> SupportPeriod:
    try:
        return SupportPeriod(period.parsed("starts_on", parse_day), period.parsed("ends_on", parse_day))
    except ValueError:
        raise period.refusal("ends_on", "is before starts_on") from None


def _renewal(renewal: _Members) -> Renewal:
    return Renewal(
        can_be_ordered=renewal.take("can_be_ordered", bool),
        state=renewal.parsed("state", _word),
        is_last_call=renewal.take("last_call", bool),
        opens_on=renewal.optional("opens_on", lambda name: renewal.parsed(name, parse_day)),
        closes_on=renewal.optional("closes_on", lambda name: renewal.parsed(name, parse_day)),
        options=tuple(
            RenewalOption(option.number("years", 1), _period(option), _price(option.object("price")))
            for option in renewal.objects("options")
        ),
        url=renewal.parsed("url", _web_address),
    )


def _price(price: _Members) -> Money:
    return Money(price.number("minor_units"), price.parsed("currency", _currency))


def _currency(text: str) -> str:
    if len(text) != 3 or not (text.isascii() and text.isalpha() and text.isupper()):
        raise ValueError("no ISO 4217 code")
    return text


def _word(text: str) -> str:
    if not text.isascii() or not text.replace("_", "").isalnum() or len(text) > 40:
        raise ValueError("no word")
    return text


def _web_address(text: str) -> str:
    origin_of(text)  # a link that a product opens in a browser is http or https and nothing else
    return text
