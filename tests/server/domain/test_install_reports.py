"""When too many installs fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.install_reports import FailureLimit, OutcomeCounts, install_digest, most_installs


@pytest.mark.parametrize(
    ("counts", "is_exceeded"),
    [
        (OutcomeCounts(), False),
        (OutcomeCounts(failed=19), False),  # too few to tell
        (OutcomeCounts(installed=18, failed=2), False),  # exactly 10 %
        (OutcomeCounts(installed=17, failed=2, rolled_back=1), True),
        (OutcomeCounts(installed=18, rolled_back=3), True),
        (OutcomeCounts(failed=20), True),
    ],
)
def test_a_limit_is_exceeded_by_more_than_its_share_of_enough_installs(
    counts: OutcomeCounts, is_exceeded: bool
) -> None:
    assert FailureLimit(1_000, 20).is_exceeded_by(counts) is is_exceeded


def test_a_limit_of_nothing_is_exceeded_by_one_failure_and_one_of_everything_by_none() -> None:
    assert FailureLimit(0, 1).is_exceeded_by(OutcomeCounts(failed=1))
    assert not FailureLimit(10_000, 1).is_exceeded_by(OutcomeCounts(failed=100))


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 10_000))
def test_another_success_never_makes_it_worse(installed: int, failed: int, share: int) -> None:
    limit = FailureLimit(share, 1)
    if limit.is_exceeded_by(OutcomeCounts(installed + 1, failed)):
        assert limit.is_exceeded_by(OutcomeCounts(installed, failed))


@pytest.mark.parametrize(("share", "installs"), [(-1, 1), (10_001, 1), (0, 0), (0, 1_000_001)])
def test_what_is_no_limit_is_refused(share: int, installs: int) -> None:
    with pytest.raises(ValueError, match=r"share|installs"):
        FailureLimit(share, installs)


def test_installs_are_told_apart_without_their_ids() -> None:
    digests = {install_digest(licence, install) for licence in ("L-1", "L-2") for install in ("aaaaaaaa", "bbbbbbbb")}
    assert len(digests) == 4
    assert not any("aaaaaaaa" in digest for digest in digests)


def test_a_licence_counts_for_its_seats_and_some_new_machines() -> None:
    assert (most_installs(1), most_installs(100)) == (8, 305)
