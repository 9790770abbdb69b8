"""Licence facts as text, for a copy of them that outlives the process."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_signing.entitlement import (
    Grant,
    LicenceStatus,
    LineGrant,
    Pin,
    SupportPeriod,
    Turn,
    UpdateRules,
    VersionGrant,
)
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version


def facts_text(found: FoundKey) -> str:
    """JSON; ``facts_of`` reads it back."""
    facts, price = found.facts, found.facts.total_purchase_price
    rules = facts.updates
    return json.dumps(
        {
            "issued_at": found.issued_at.isoformat(),
            "licence_id": facts.licence_id,
            "product": facts.product,
            "edition": facts.edition,
            "purchased_on": facts.purchased_on.isoformat(),
            "status": facts.status,
            "seats": facts.seats,
            "price": [price.minor_units, price.currency] if price is not None else None,
            "periods": [[p.starts_on.isoformat(), p.ends_on.isoformat()] for p in facts.support_periods],
            "grants": [_grant_json(grant) for grant in facts.grants],
            "channels": sorted(rules.channels) if rules.channels is not None else None,
            "pin": [rules.pin.major, rules.pin.minor] if rules.pin is not None else None,
            "turn": rules.turn,
        },
        separators=(",", ":"),
    )


def facts_of(text: str) -> FoundKey:
    """Raises ``ValueError``, ``KeyError`` or ``TypeError`` for what ``facts_text`` did not write."""
    data: dict[str, Any] = json.loads(text)
    channels, pin, price = data["channels"], data["pin"], data["price"]
    return FoundKey(
        datetime.fromisoformat(data["issued_at"]),
        LicenceFacts(
            licence_id=data["licence_id"],
            product=ProductName(data["product"]),
            edition=EditionName(data["edition"]),
            purchased_on=date.fromisoformat(data["purchased_on"]),
            status=LicenceStatus(data["status"]),
            seats=data["seats"],
            total_purchase_price=Money(*price) if price is not None else None,
            support_periods=tuple(SupportPeriod(*map(date.fromisoformat, period)) for period in data["periods"]),
            grants=tuple(_grant(grant) for grant in data["grants"]),
            updates=UpdateRules(
                channels=frozenset(map(ChannelName, channels)) if channels is not None else None,
                pin=Pin(*pin) if pin is not None else None,
                turn=Turn(data["turn"]),
            ),
        ),
    )


def _grant_json(grant: Grant) -> list[object]:
    if isinstance(grant, VersionGrant):
        return [str(grant.version)]
    return [grant.major, grant.minor]


def _grant(data: list[Any]) -> Grant:
    return VersionGrant(Version(data[0])) if len(data) == 1 else LineGrant(*data)
