"""What a licence's copies are offered of what it covers: the channels it may have, its pin, its turn in rollouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_signing.entitlement import Pin, Turn, UpdateRules
from tenure_signing.names import ChannelName


@dataclass(frozen=True, slots=True)
class ChangeUpdateRules:
    """Every method raises ``NotFound`` (``unknown_licence``), and changes nothing where nothing would be new."""

    database: Database
    clock: Clock

    def allow_channels(self, licence_id: str, channels: frozenset[ChannelName] | None, *, who: str) -> Licence:
        """Limit the licence to these channels; None lifts the limit.

        Raises ``InvalidRequest`` (``unknown_channel``) for a channel that the product does not have, or without its
        most stable one: no licence is cut off from every update.
        """
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            if channels is not None:
                require_usable_channels(records, licence, channels)
            return self._changed(records, licence, replace(licence.updates, channels=channels), who)

    def pin(self, licence_id: str, pin: Pin | None, *, who: str) -> Licence:
        """Keep the licence's copies to this line and below; None lets them go on to the newest."""
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            return self._changed(records, licence, replace(licence.updates, pin=pin), who)

    def take_turn(self, licence_id: str, turn: Turn, *, who: str) -> Licence:
        """When in a rollout the licence's installs come."""
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            return self._changed(records, licence, replace(licence.updates, turn=turn), who)

    def _changed(self, records: Records, licence: Licence, rules: UpdateRules, who: str) -> Licence:
        if rules == licence.updates:
            return licence
        records.licences.set_update_rules(licence.licence_id, rules)
        before, after = rule_facts(licence.updates), rule_facts(rules)
        audited(records, self.clock(), who, "licence.update_rules", licence.licence_id, before=before, after=after)
        return licence_of(records, licence.licence_id)


def rule_facts(rules: UpdateRules) -> Mapping[str, object]:
    """The rules as JSON has them."""
    return {
        "channels": sorted(rules.channels) if rules.channels is not None else None,
        "pin": str(rules.pin) if rules.pin is not None else None,
        "turn": rules.turn.value,
    }


def require_usable_channels(records: Records, licence: Licence, channels: frozenset[ChannelName]) -> None:
    """Raises ``InvalidRequest`` (``unknown_channel``)."""
    product = records.products.get(licence.product)
    assert product is not None
    hint = f"the channels of {product.name} are {', '.join(product.channels)}"
    if unknown := sorted(channels - set(product.channels)):
        raise InvalidRequest(f"{product.name} has no channel {', '.join(unknown)}.", code="unknown_channel", hint=hint)
    if product.channels[0] not in channels:
        raise InvalidRequest(
            f"A licence always has the most stable channel, {product.channels[0]}.", code="unknown_channel", hint=hint
        )
