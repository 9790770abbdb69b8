"""An operator limits, pins and orders what a licence's copies are offered."""

from __future__ import annotations

from datetime import date

import pytest

from tenure_server.errors import InvalidRequest, NotFound
from tenure_signing.entitlement import Pin, Turn, UpdateRules
from tenure_signing.names import ChannelName
from tests.server.world import WHO, World

STABLE, BETA = ChannelName("stable"), ChannelName("beta")


def test_rules_are_set_one_by_one_and_audited_with_before_and_after(world: World) -> None:
    licence_id = world.issue(date(2026, 6, 1)).licence.licence_id
    change = world.installation.change_update_rules
    change.allow_channels(licence_id, frozenset({STABLE, BETA}), who=WHO)
    change.pin(licence_id, Pin(2, 4), who=WHO)
    licence = change.take_turn(licence_id, Turn.EARLY, who=WHO)
    assert licence.updates == UpdateRules(frozenset({STABLE, BETA}), Pin(2, 4), Turn.EARLY)
    change.pin(licence_id, Pin(2, 4), who=WHO)  # as before
    with world.database.reading() as records:
        events = records.audit.newest(subject=licence_id)
    assert [event.action for event in events].count("licence.update_rules") == 3
    assert events[0].details == {
        "before": {"channels": ["beta", "stable"], "pin": "2.4", "turn": "normal"},
        "after": {"channels": ["beta", "stable"], "pin": "2.4", "turn": "early"},
    }


@pytest.mark.parametrize("channels", [{"nightly", "stable"}, {"beta"}, set()])
def test_a_licence_is_limited_to_channels_that_are_there_with_the_most_stable_among_them(
    world: World, channels: set[str]
) -> None:
    licence_id = world.issue(date(2026, 6, 1)).licence.licence_id
    with pytest.raises(InvalidRequest) as refused:
        world.installation.change_update_rules.allow_channels(
            licence_id, frozenset(ChannelName(name) for name in channels), who=WHO
        )
    assert refused.value.code == "unknown_channel"


def test_a_licence_that_is_not_there_has_no_rules(world: World) -> None:
    with pytest.raises(NotFound):
        world.installation.change_update_rules.pin("nobody", Pin(2), who=WHO)
