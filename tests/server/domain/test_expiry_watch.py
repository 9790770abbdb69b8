"""Operators are told at each stage that was set, by the most urgent one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tenure_server.domain.expiry_watch import stage_reached
from tenure_server.domain.signer_life import SILENT_AFTER, SignerLife, SignerMode, signer_warning

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "stage"),
    [
        (31 * DAY, None),
        (30 * DAY, "30"),
        (14 * DAY + HOUR, "30"),
        (14 * DAY, "14"),
        (23 * HOUR, "1"),
        (timedelta(0), "expired"),
        (-90 * DAY, "expired"),
    ],
)
def test_a_role_that_people_sign_has_a_stage_for_each_of_the_days(left: timedelta, stage: str | None) -> None:
    assert stage_reached(NOW + left, NOW, lifetime=365 * DAY, is_online=False, days=(14, 30, 1)) == stage


@pytest.mark.parametrize(("left", "stage"), [(13 * HOUR, None), (12 * HOUR, "quarter"), (timedelta(0), "expired")])
def test_an_online_role_is_told_of_when_nobody_renewed_it_at_half_its_life(left: timedelta, stage: str | None) -> None:
    assert stage_reached(NOW + left, NOW, lifetime=2 * DAY, is_online=True, days=(30,)) == stage


def test_one_external_signer_that_lives_and_can_sign_is_enough() -> None:
    def life(name: str, ago: timedelta, problem: str | None = None) -> SignerLife:
        return SignerLife(name, SignerMode.EXTERNAL, NOW - DAY, NOW - ago, problem)

    silent, broken = life("silent", SILENT_AFTER), life("broken", HOUR / 60, "the token is gone")
    embedded = SignerLife("embedded", SignerMode.EMBEDDED, NOW, NOW)
    external = SignerMode.EXTERNAL
    assert signer_warning([silent, broken, life("well", HOUR / 60)], external, NOW) is None
    assert "the token is gone" in (signer_warning([silent, broken], external, NOW) or "")
    assert "silent since 2026-11-23 11:57" in (signer_warning([silent, embedded], external, NOW) or "")
    assert "start tenure signer" in (signer_warning([embedded], external, NOW) or "")


def test_an_embedded_signer_warns_while_it_cannot_sign() -> None:
    well = SignerLife("one", SignerMode.EMBEDDED, NOW, NOW)
    broken = SignerLife("two", SignerMode.EMBEDDED, NOW, NOW, "the token is gone")
    gone = SignerLife("three", SignerMode.EMBEDDED, NOW, NOW - SILENT_AFTER, "the token is gone")
    assert signer_warning([well, gone], SignerMode.EMBEDDED, NOW) is None
    assert "the token is gone" in (signer_warning([well, broken], SignerMode.EMBEDDED, NOW) or "")
