"""What the run beside peers makes of its figures; the run itself needs their programs."""

from __future__ import annotations

from tests.benchmarks.contenders import YARDSTICK
from tests.benchmarks.peers.__main__ import BALROG, ELECTRON, medians, table
from tests.benchmarks.simulation.costs import NEVER_SEEN, SEEN_LATELY


def test_ratios_are_of_medians_and_a_bound_that_is_missed_is_marked() -> None:
    found = {
        YARDSTICK: [(30.0, 100.0), (50.0, 100.0), (40.0, 100.0)],
        SEEN_LATELY: [(20.0, 200.0)],
        NEVER_SEEN: [(200.0, 20.0)],
        BALROG: [(500.0, 5.0)],
        ELECTRON: [(2_000.0, 1.0)],
    }
    by_name = {one.name: one for one in medians(found)}
    assert by_name[YARDSTICK].cpu_us == 40.0
    assert (by_name[YARDSTICK].lowest, by_name[YARDSTICK].highest) == (30.0, 50.0)
    assert by_name[SEEN_LATELY].times_bare == 0.5
    assert (by_name[BALROG].times_ours, by_name[BALROG].times_ours_cold) == (25.0, 2.5)
    lines = table(list(by_name.values()), "2026-11-24T03:00:00+00:00", 3).splitlines()
    assert any(BALROG in line and "at least 30: missed" in line for line in lines)
    assert any(ELECTRON in line and "at least 100: met" in line for line in lines)
