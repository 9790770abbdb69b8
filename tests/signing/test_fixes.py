"""The problems that a release says it fixes: signed with it, and passed over by programs that know nothing of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from tuf.api.metadata import TargetFile

from tenure_signing.errors import ImmutableRelease, InvalidName, InvalidReleaseRecord
from tenure_signing.names import ChannelName
from tenure_signing.problem_numbers import MAX_FIXES, ProblemNumber, in_number_order, parse_problem_number
from tenure_signing.release_record import listing_of, releases_of, target_of
from tenure_signing.releases import Withdrawal
from tenure_signing.tuf_drafts import with_promotion, with_release
from tests.signing.tuf_repository import CAD, NOW, Vendor, a_release

P9, P17 = ProblemNumber("P-9"), ProblemNumber("P-17")
FIXING = replace(a_release(), fixes=(P9, P17))


def entry(**facts: Any) -> dict[str, TargetFile]:
    (build,) = FIXING.builds
    target = copy.deepcopy(target_of(FIXING, build))
    target.custom["tenure"].update(facts)
    return {build.path: target}


def test_what_a_release_fixes_comes_back_as_it_was_signed() -> None:
    targets = entry()
    assert next(iter(targets.values())).custom["tenure"]["fixes"] == ["P-9", "P-17"]
    assert releases_of(CAD, targets) == (FIXING,)
    assert listing_of(CAD, targets).releases == (FIXING,)


def test_a_release_that_fixes_nothing_is_signed_as_ever() -> None:
    (build,) = a_release().builds
    assert "fixes" not in target_of(a_release(), build).custom["tenure"]


def test_a_program_that_knows_no_such_fact_passes_over_it() -> None:
    """How products in the field read releases: what they do not know changes nothing of what they do."""
    targets = entry(repairs=["whatever a later version says"])
    assert listing_of(CAD, targets).releases == (FIXING,)
    with pytest.raises(InvalidReleaseRecord, match="does not know: 'repairs'"):
        releases_of(CAD, targets)


@pytest.mark.parametrize(
    "fixes",
    [[], "P-9", [9], ["P-17", "P-9"], ["P-9", "P-9"], ["p-9"], ["P-09"], ["P-0"], ["P-9 "], ["Q-9"], ["P-９"]],
)
def test_anything_but_problem_numbers_in_order_is_refused(fixes: object) -> None:
    with pytest.raises(InvalidReleaseRecord, match="fixes"):
        releases_of(CAD, entry(fixes=fixes))


def test_a_release_names_only_so_many_problems() -> None:
    most = tuple(ProblemNumber(f"P-{number}") for number in range(1, MAX_FIXES + 1))
    (build,) = FIXING.builds
    target_of(replace(FIXING, fixes=most), build)
    with pytest.raises(InvalidReleaseRecord):
        target_of(replace(FIXING, fixes=(*most, ProblemNumber("P-900"))), build)


def test_a_problem_is_written_in_either_case_and_listed_once_by_number() -> None:
    assert parse_problem_number("p-17") == P17
    assert in_number_order([P17, P9, P17]) == (P9, P17)
    for text in ("17", "P17", "P-0", "P-1234567890", "P-1\n", "Ｐ-1"):
        with pytest.raises(InvalidName):
            parse_problem_number(text)


def test_what_a_published_release_fixes_never_changes() -> None:
    vendor = Vendor()
    vendor.add_product()
    vendor.publish(FIXING)
    role = vendor.repository.roles[CAD]
    assert with_release(role, FIXING, NOW) is role
    for fixes in ((), (P9,), (P9, P17, ProblemNumber("P-18"))):
        with pytest.raises(ImmutableRelease, match="fixes"):
            with_release(role, replace(FIXING, fixes=fixes), NOW)


def test_a_release_still_fixes_the_same_after_promotion_and_withdrawal() -> None:
    vendor = Vendor()
    vendor.add_product()
    vendor.publish(replace(FIXING, channel=ChannelName("beta")))
    promoted = with_promotion(vendor.repository.roles[CAD], CAD, FIXING.version, ChannelName("stable"), NOW)
    assert b'"fixes":["P-9","P-17"]' in promoted
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))
    assert vendor.releases()[0].fixes == (P9, P17)
