"""The simulation's core against what is known of queues, and the installs against the SDK's own manners."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tenure_client.manners import next_check_after
from tenure_client.state import Contact
from tests.benchmarks.simulation import prices
from tests.benchmarks.simulation.costs import Costs, measured
from tests.benchmarks.simulation.installs import MINUTES, Day, back_after_an_outage, ordinary_day, suggested
from tests.benchmarks.simulation.outage import LONGEST_WAIT_SECONDS, come_back, outage
from tests.benchmarks.simulation.queueing import closed_loop, open_queue, poisson
from tests.benchmarks.simulation.sizing import AT_MOST_BUSY, Need, Vendor, needed

SERVICE = 0.001


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8])
def test_equal_service_times_wait_as_pollaczek_and_khinchine_say(load: float) -> None:
    """M/D/1: the mean wait is load / (2 (1 - load)) service times."""
    queue = open_queue(poisson(load / SERVICE, 150, random.Random(1)), lambda: SERVICE)
    assert queue.mean == pytest.approx(SERVICE * (1 + load / (2 * (1 - load))), rel=0.03)
    assert queue.busy == pytest.approx(load, rel=0.02)


def test_memoryless_service_times_wait_twice_as_long() -> None:
    """M/M/1: the mean time in the system is service / (1 - load), and it is exponential."""
    chance = random.Random(2)
    queue = open_queue(poisson(0.5 / SERVICE, 150, chance), lambda: chance.expovariate(1 / SERVICE))
    assert queue.mean == pytest.approx(SERVICE / 0.5, rel=0.03)
    assert queue.percentile(99) == pytest.approx(2 * SERVICE * 4.605, rel=0.05)


def test_two_workers_of_one_queue_wait_as_erlang_says() -> None:
    """M/M/2 at load a = 1.2 (60 % each): Erlang C is 0.675 / 1.5 = 0.45, the mean wait 0.45 s / (2 - a)."""
    chance = random.Random(3)
    queue = open_queue(poisson(1.2 / SERVICE, 100, chance), lambda: chance.expovariate(1 / SERVICE), workers=2)
    assert queue.mean == pytest.approx(SERVICE * (1 + 0.45 / 0.8), rel=0.03)


def test_a_load_generator_is_held_up_by_the_slower_side() -> None:
    one = closed_loop(1, lambda: 30e-6, lambda: 10e-6, 20e-6, 1_000)
    assert one.per_second == pytest.approx(1 / 60e-6, rel=0.01)
    assert one.percentile(50) == pytest.approx(50e-6, rel=0.01)
    many = closed_loop(32, lambda: 30e-6, lambda: 10e-6, 20e-6, 10_000)
    assert many.per_second == pytest.approx(1 / 30e-6, rel=0.01)
    assert many.percentile(50) == pytest.approx(32 * 30e-6 - 10e-6, rel=0.02)
    slow_client = closed_loop(32, lambda: 10e-6, lambda: 30e-6, 20e-6, 10_000)
    assert slow_client.per_second == pytest.approx(1 / 30e-6, rel=0.01)


def test_installs_ask_when_the_sdk_suggests() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    least, most = now + timedelta(hours=18), now + timedelta(hours=30)
    nobody = Contact()
    real = [next_check_after(nobody, now) for _ in range(300)]
    chance = random.Random(4)
    ours = [now + timedelta(seconds=suggested(0, chance)) for _ in range(300)]
    for asked in (real, ours):
        assert least <= min(asked) < least + timedelta(hours=1)
        assert most - timedelta(hours=1) < max(asked) <= most


def test_a_day_has_its_peaks_when_people_start_work_and_is_the_same_for_one_seed() -> None:
    day = ordinary_day(3_000, seed=5)
    assert day == ordinary_day(3_000, seed=5)
    assert len(day.checks) == MINUTES
    assert 0.6 < day.total / day.installs < 1.1
    hours = [sum(day.checks[start : start + 60]) for start in range(0, MINUTES, 60)]
    assert max(hours) > 2 * min(hours)
    assert day.found_lately == 0
    assert ordinary_day(3_000, seed=5, seats=3, kept_licences=3_000).found_lately > day.total / 2


def test_a_million_installs_are_back_within_a_minute() -> None:
    arrivals = back_after_an_outage(1_000, 60, random.Random(6))
    assert arrivals == sorted(arrivals)
    assert 0 <= arrivals[0] <= arrivals[-1] <= 60


def test_the_arithmetic_of_a_vendor_can_be_followed_by_hand() -> None:
    """A level day: 86,400 installs ask once a day, one a second."""
    costs = Costs(
        seen_lately=1e-5, never_seen=2e-4, metadata=1e-5, download=5e-5, database=1e-4, handshake=1.5e-4,
        slow_share=0.01, slow_seconds=1e-3,
    )  # fmt: skip
    day = Day(1_440, [1] * MINUTES, 0)
    need = needed(86_400_000, day, costs, Vendor(share_that_downloads=0.5))
    assert need.checks_per_second == pytest.approx(1_000)
    assert need.busiest == pytest.approx(1_000)
    assert need.cores == pytest.approx(1_000 * (2e-4 + 0.5 * 5e-5), rel=0.01)
    assert need.workers == pytest.approx(need.cores / AT_MOST_BUSY, abs=1)
    assert need.database_cores == pytest.approx(0.1)
    assert need.tls_cores == pytest.approx(0.15)
    assert need.cdn_tb == pytest.approx((86.4e6 * 0.5 * 50e6 + 86.4e6 * 30.4 * 893 + 86.4e6 * (4_279 + 350_000)) / 1e12)
    warm = needed(86_400_000, day, costs, Vendor(share_that_downloads=0), found_lately=1.0)
    assert warm.cores == pytest.approx(1_000 * 1e-5, rel=0.01)
    assert warm.reads_per_second == 0


def test_ten_million_installs_are_for_small_machines_and_one_may_be_away() -> None:
    need: Need = needed(10_000_000, ordinary_day(3_000, seed=7), measured(), Vendor())
    count, machine = need.machines
    assert count >= 2
    assert (count - 1) * machine.cores >= need.workers


def test_prices_go_by_steps() -> None:
    assert prices.cdn_eur(1) == pytest.approx(5 / prices.USD_PER_EUR)
    assert prices.cdn_eur(600) == pytest.approx((500 * 5 + 100 * 4) / prices.USD_PER_EUR)
    assert prices.other_cdn_eur(20) == pytest.approx((10 * 85 + 10 * 80) / prices.USD_PER_EUR)


def test_who_would_wait_too_long_after_an_outage_is_refused_and_answered_later() -> None:
    """A thousand a second for 100 seconds at a server that takes 2 ms: the queue grows by a second every two."""
    arrivals = [number / 1_000 for number in range(100_000)]
    waiting = outage(arrivals, lambda: 0.002, 1)
    assert waiting.over_after == pytest.approx(200, rel=0.01)
    assert waiting.gone == pytest.approx(100_000 * (1 - 30 / 100), rel=0.01)
    chance = random.Random(8)
    refusing = outage(arrivals, lambda: 0.002, 1, again=lambda: come_back(chance))
    assert refusing.gone == 0
    assert len(refusing.answers.latencies) == 100_000
    assert 50_000 < refusing.refusals < 100_000
    assert refusing.answers.percentile(100) <= LONGEST_WAIT_SECONDS + 0.0021
    assert 200 <= refusing.over_after < 1_000
