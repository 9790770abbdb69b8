"""What a server that was idle still believes when the first request comes."""

from __future__ import annotations

from datetime import date

from tenure_server.use_cases.catalogue import FRESH_SECONDS, RELOAD_SECONDS, CatalogueSource
from tests.server.world import CAD, World


def test_after_an_idle_hour_the_first_request_does_not_get_the_catalogue_of_an_hour_ago(world: World) -> None:
    """A withdrawal holds within a second, however long nobody asked."""
    world.publish("1.0", date(2026, 1, 1))
    now = [1e9]
    source = CatalogueSource(world.database, monotonic=lambda: now[0])
    before = source.current()
    world.withdraw("1.0", "crashes on start")
    now[0] += 3600
    assert source.at_hand() in (None, source.current())
    (release,) = source.current().product(CAD).releases
    assert release.withdrawal is not None
    assert before.product(CAD).releases[0].withdrawal is None


def test_while_the_next_one_is_read_the_one_before_is_at_hand_for_less_than_a_second_in_all(world: World) -> None:
    now = [1e9]
    source = CatalogueSource(world.database, monotonic=lambda: now[0])
    before = source.current()
    now[0] += FRESH_SECONDS - 0.01
    assert source.at_hand() is before
    world.publish("1.0", date(2026, 1, 1))
    now[0] += RELOAD_SECONDS + 0.02
    assert source.at_hand() in (None, source.current())
