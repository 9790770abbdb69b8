"""This machine's seat of the licence: asked for once, believed offline by the signed statement that is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tenure_client.answers import ActivationInfo
from tenure_client.errors import (
    ActivationRefused,
    InvalidServerAnswer,
    LicenceError,
    NotCovered,
    NotFoundOnServer,
    RequestRefused,
    SeatsTaken,
    ServerError,
)
from tenure_client.licence import HeldLicence
from tenure_client.machine import machine_id
from tenure_client.state import State
from tenure_client.transport import Transport
from tenure_signing.activation import Activation, machine_digest, verify_activation
from tenure_signing.errors import InvalidStatement
from tenure_signing.key_sets import KeySet
from tenure_signing.statements import CLOCK_SKEW
from tenure_signing.strict_text import json_object

RENEW_AFTER = timedelta(days=7)
"""How often checks ask whether the seat is still held; sooner where it expires in less than twice that time."""

MAX_AGE = timedelta(days=1)
"""Of a statement that comes from the server as new: an older one was recorded, and the seat may be somebody else's."""

_PATH = "/v1/activations"
_MAX_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class HeldActivation:
    """A genuine activation of this licence on this machine."""

    text: str = field(repr=False)
    activation: Activation

    def is_due(self, now: datetime) -> bool:
        """Whether the server should be asked again: no later than half of the time for which it holds."""
        made, until = self.activation.issued_at, self.activation.valid_until
        after = RENEW_AFTER if until is None else min(RENEW_AFTER, (until - made) / 2)
        return now > made + after

    def info(self, *, is_over_limit: bool | None = None) -> ActivationInfo:
        said = self.activation
        return ActivationInfo(
            licence_id=said.licence_id,
            machine=said.machine,
            activated_at=said.activated_at,
            valid_until=said.valid_until,
            as_of=said.issued_at,
            is_over_limit=is_over_limit,
        )


def kept_activation(state: State, licence: HeldLicence, keys: KeySet, now: datetime) -> HeldActivation | None:
    """The kept activation, or None if there is none that is genuine, of this licence and machine, and not over."""
    text = state.activation()
    if text is None:
        return None
    try:
        activation = verify_activation(text, keys, now)
        activation.must_match(licence.key.licence_id, licence.key.product, _machine(state, licence))
    except InvalidStatement:
        return None
    return HeldActivation(text, activation) if not activation.is_over(now) else None


@dataclass(frozen=True, slots=True)
class SeatOnServer:
    """The seat as the server has it. Every method raises ``ServerError``, ``LicenceError`` and ``StateError``."""

    state: State
    transport: Transport
    licence: HeldLicence
    keys: KeySet
    now: datetime = field(repr=False)

    def activate(self, name: str | None) -> ActivationInfo:
        """Take a seat, or find that the machine has one. Raises ``SeatsTaken``, ``ActivationRefused``."""
        try:
            return self._ask({"name": name} if name is not None else {})
        except RequestRefused as refusal:
            if refusal.code == "seats_taken":
                raise SeatsTaken(str(refusal), hint=refusal.hint) from None
            raise
        except NotCovered as refusal:  # suspended or revoked
            raise LicenceError(str(refusal), hint="contact the vendor") from None

    def renew(self) -> None:
        """Ask whether the seat is still held, if that is due. One that was released is forgotten; whatever else goes
        wrong, the kept statement stays as good as it is."""
        held = kept_activation(self.state, self.licence, self.keys, self.now)
        if held is None or not held.is_due(self.now):
            return
        try:
            self._ask({"only_if_held": True})
        except NotFoundOnServer as refusal:
            if refusal.code == "not_activated":
                self.state.keep_activation(None)
        except (ServerError, LicenceError, NotCovered):
            pass

    def deactivate(self) -> bool:
        """Give the seat back, then forget it; whether the server knew of it."""
        query = urlencode({"machine": _machine(self.state, self.licence)})
        with self.transport.delete(f"{_PATH}?{query}", licence_key=self.licence.text) as response:
            response.require_success()
            released = _members(response.read(_MAX_ANSWER_BYTES)).get("released")
        if not isinstance(released, bool):
            raise InvalidServerAnswer("the server did not say whether the seat was released")
        self.state.keep_activation(None)
        return released

    def _ask(self, more: Mapping[str, object]) -> ActivationInfo:
        body = {"machine": _machine(self.state, self.licence), **more}
        with self.transport.post(_PATH, json.dumps(body).encode(), licence_key=self.licence.text) as response:
            response.require_success()
            answer = _members(response.read(_MAX_ANSWER_BYTES))
        text, is_over_limit = answer.get("statement"), answer.get("over_limit")
        if not isinstance(text, str) or not isinstance(is_over_limit, bool):
            raise InvalidServerAnswer("the server's answer holds no activation")
        accepted = self._accepted(text)
        self.state.keep_activation(accepted.text)
        return accepted.info(is_over_limit=is_over_limit)

    def _accepted(self, text: str) -> HeldActivation:
        """Raises ``ActivationRefused`` for a statement that is forged, another machine's, or recorded."""
        try:
            activation = verify_activation(text, self.keys, self.now)
            key = self.licence.key
            activation.must_match(key.licence_id, key.product, _machine(self.state, self.licence))
        except InvalidStatement as error:
            raise ActivationRefused(f"the server sent an activation that cannot be accepted: {error}") from error
        held = kept_activation(self.state, self.licence, self.keys, self.now)
        is_older = held is not None and activation.issued_at < held.activation.issued_at - CLOCK_SKEW
        if is_older or activation.is_over(self.now) or self.now - activation.issued_at > MAX_AGE:
            raise ActivationRefused(
                "the server sent an activation that is out of date", hint="check this computer's date and time"
            )
        return HeldActivation(text, activation)


def _machine(state: State, licence: HeldLicence) -> str:
    return machine_digest(licence.key.licence_id, machine_id(state))


def _members(body: bytes) -> Mapping[str, object]:
    with suppress(ValueError):
        return json_object(body)
    raise InvalidServerAnswer("the server's answer is no JSON object")
