"""``tenure rollout`` and ``tenure publish --rollout`` at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tenure_server.cli.context import CommandContext
from tenure_server.cli.main import main

PASSPHRASE = "correct horse battery staple"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """An installation with cad 1.0 published to 10 % of installs. Gives exit code, output and errors of a command."""
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("TENURE_ACTOR", "Ada")
    monkeypatch.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)

    def run_command(*arguments: str, at: datetime = NOON) -> tuple[int, str, str]:
        context = CommandContext(clock=lambda: at)
        code = main(["--data-dir", str(tmp_path / "data"), *arguments], context)
        said = capsys.readouterr()
        return code, said.out, said.err

    build = tmp_path / "cad-1.0.zip"
    build.write_bytes(b"bytes of a build")
    for command in (
        ("init",),
        ("product", "add", "cad", "--edition", "pro"),
        ("publish", str(build), "--product", "cad", "--version", "1.0", "--platform", "any", "--rollout", "10%"),
    ):
        assert run_command(*command)[0] == 0
    return run_command


def shown(run: Run, **more: Any) -> Any:
    return json.loads(run("rollout", "show", "cad", "1.0", "--json", **more)[1])


def test_a_release_is_published_to_a_share_and_grows_by_command(run: Run) -> None:
    assert shown(run)["share_now_basis_points"] == 1_000
    assert run("rollout", "set", "cad", "1.0", "12.5%")[:2] == (0, "cad 1.0: reaches 12.5 % of installs.\n")
    assert "rolled out to 12.5 %" in run("releases")[1]


def test_a_ramp_is_told_and_followed(run: Run) -> None:
    code, said, _ = run("rollout", "ramp", "cad", "1.0", "--to", "100%", "--over", "3d")
    assert code == 0
    assert said == (
        "cad 1.0: reaches 10 % of installs, from 10 % at 2026-11-23 12:00 UTC to 100 % at 2026-11-26 12:00 UTC.\n"
    )
    later = datetime(2026, 11, 25, tzinfo=UTC)
    assert shown(run, at=later)["share_now_basis_points"] == 5_500
    assert "rolled out to 55 %" in run("releases", at=later)[1]


def test_a_ramp_can_end_at_an_instant_of_any_time_zone(run: Run) -> None:
    assert (
        run("rollout", "ramp", "cad", "1.0", "--to", "20", "--from", "0", "--ends-at", "2026-11-24T20:00+08:00")[0] == 0
    )
    assert shown(run)["ramp"]["ends_at"] == "2026-11-24T12:00:00+00:00"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--to", "100%"), 2),
        (("--to", "100%", "--over", "3d", "--ends-at", "2026-12-01T00:00Z"), 2),
        (("--to", "100%", "--over", "soon"), 2),
        (("--to", "100%", "--ends-at", "2026-12-01T00:00"), 2),
        (("--to", "110%", "--over", "3d"), 2),
        (("--to", "5%", "--over", "3d"), 1),
        (("--to", "100%", "--ends-at", "2026-11-01T00:00Z"), 1),
    ],
)
def test_what_is_no_ramp_is_refused_and_changes_nothing(run: Run, options: tuple[str, ...], code: int) -> None:
    before = shown(run)
    assert run("rollout", "ramp", "cad", "1.0", *options)[0] == code
    assert shown(run) == before


def test_halting_asks_for_no_key_and_resuming_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENURE_PASSPHRASE")
    code, said, _ = run("rollout", "halt", "cad", "1.0", "--reason", "loses files")
    assert (code, said) == (0, "cad 1.0: halted, at 10 % of installs.\n")
    code, _, wrong = run("rollout", "resume", "cad", "1.0")
    assert code == 1
    assert "passphrase" in wrong
    monkeypatch.setenv("TENURE_PASSPHRASE", "a guess")
    assert run("rollout", "resume", "cad", "1.0")[0] == 1
    assert shown(run)["halted"]
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    assert run("rollout", "resume", "cad", "1.0")[:2] == (0, "cad 1.0: reaches 10 % of installs.\n")


def test_resuming_with_the_key_of_something_else_is_refused(run: Run, tmp_path: Path) -> None:
    run("rollout", "halt", "cad", "1.0", "--reason", "loses files")
    targets = tmp_path / "data" / "keys" / "offline" / "targets.pem"
    code, _, wrong = run("rollout", "resume", "cad", "1.0", "--key", str(targets))
    assert code == 1
    assert "0 of them approved" in wrong


def test_show_tells_what_was_done_by_whom_and_why(run: Run) -> None:
    run("rollout", "halt", "cad", "1.0", "--reason", "loses files")
    _, said, _ = run("rollout", "show", "cad", "1.0")
    assert "halted, at 10 % of installs" in said
    assert "2026-11-23 12:00 UTC  rollout.halt  Ada: loses files" in said


def test_a_release_that_is_not_there_is_named(run: Run) -> None:
    code, _, wrong = run("rollout", "halt", "cad", "9.9", "--reason", "typo")
    assert (code, wrong.splitlines()[0]) == (1, "error: cad 9.9 is not published")


def test_a_beta_is_promoted_with_the_product_key(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = tmp_path / "cad-1.1b1.zip"
    build.write_bytes(b"bytes of a beta")
    published = ("publish", str(build), "--product", "cad", "--version", "1.1b1", "--platform", "any")
    assert run(*published, "--channel", "beta")[0] == 0
    monkeypatch.delenv("TENURE_PASSPHRASE")
    assert run("promote", "cad", "1.1b1", "--to", "stable")[0] == 1
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    assert run("promote", "cad", "1.1b1", "--to", "stable", "--rollout", "5%")[:2] == (
        0,
        "Promoted cad 1.1b1 from beta to stable.\n",
    )
    again = json.loads(run("promote", "cad", "1.1b1", "--to", "stable", "--json")[1])
    assert again == {
        "product": "cad",
        "version": "1.1b1",
        "channel": "stable",
        "promoted_from": ["beta"],
        "is_new": False,
    }
    assert "rolled out to 5 %" in run("releases")[1]


def test_a_licence_is_limited_pinned_and_given_a_turn(run: Run) -> None:
    order = ("--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1000.00")
    licence = json.loads(run("licence", "issue", *order, "--json")[1])["licence_id"]
    limited = json.loads(run("licence", "channels", licence, "--allow", "stable", "--allow", "beta", "--json")[1])
    assert limited == {"licence_id": licence, "channels": ["beta", "stable"], "pin": None, "turn": "normal"}
    pinned = json.loads(run("licence", "updates", licence, "--pin", "2.4", "--turn", "late", "--json")[1])
    assert (pinned["pin"], pinned["turn"]) == ("2.4", "late")
    _, said, _ = run("licence", "updates", licence, "--no-pin")
    assert said.splitlines()[1:] == ["channels  beta, stable", "pin       none", "turn      late"]
    assert "channels  all" in run("licence", "channels", licence, "--all")[1]


@pytest.mark.parametrize(
    "options",
    [
        ("channels", "L"),
        ("channels", "L", "--all", "--allow", "stable"),
        ("channels", "L", "--allow", "Not a channel"),
        ("updates", "L"),
        ("updates", "L", "--pin", "2", "--no-pin"),
        ("updates", "L", "--pin", "2.4.1"),
        ("updates", "L", "--pin", "two"),
        ("updates", "L", "--turn", "first"),
    ],
)
def test_rules_that_make_no_sense_are_refused(run: Run, options: tuple[str, ...]) -> None:
    assert run("licence", *options)[0] == 2


def test_a_failure_limit_is_set_shown_and_removed(run: Run) -> None:
    said = run("rollout", "limit", "cad", "--max-failures", "5%", "--min-installs", "50")[1]
    assert said == "every release of cad: above 5 % of failures, once 50 installs reported.\n"
    assert shown(run)["limit"] == {"max_failure_basis_points": 500, "min_installs": 50}
    run("rollout", "limit", "cad", "1.0", "--max-failures", "0.5", "--min-installs", "1")
    _, said, _ = run("rollout", "show", "cad", "1.0")
    assert "installs      0 installed, 0 failed, 0 rolled back" in said
    assert "halts itself  above 0.5 % of failures, once 1 installs reported" in said
    run("rollout", "limit", "cad", "1.0", "--none")
    assert shown(run)["limit"]["max_failure_basis_points"] == 500


@pytest.mark.parametrize(
    "options", [(), ("--none", "--min-installs", "5"), ("--max-failures", "5%"), ("--min-installs", "5")]
)
def test_half_a_limit_is_none(run: Run, options: tuple[str, ...]) -> None:
    assert run("rollout", "limit", "cad", *options)[0] == 2
