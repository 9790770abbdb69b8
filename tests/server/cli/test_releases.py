"""``tenure publish``, ``releases`` and ``withdraw``."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator

CAD = ("--product", "cad")


def publish(*options: str) -> tuple[str, ...]:
    return ("publish", *CAD, "--version", "1.0", "--platform", "any", *options)


def test_publishing_says_what_was_signed(operator: Operator) -> None:
    file = operator.build("cad.tar.gz", b"123456")
    said = operator.did("publish", file, *CAD, "--version", "2.6.0", "--platform", "linux-x86_64")
    assert said.out.splitlines()[:5] == [
        "Published cad 2.6.0.",
        "kind         minor",
        "release day  2026-11-23",
        "channel      stable",
        "editions     lite, pro",
    ]
    assert "linux-x86_64  cad.tar.gz  6 bytes" in said.out
    assert said.err == ""


def test_programs_are_told_every_fact(operator: Operator) -> None:
    file = operator.build("cad.zip", b"123456")
    options = ("--edition", "pro", "--channel", "beta", "--kind", "major", "--released-on", "2026-10-01")
    more = ("--upgrade-from", "0.9", "--open", "--notes", "First.")
    prices = ("--upgrade-price-in-support", "0", "--upgrade-price-without-support", "99", "--currency", "EUR")
    published = operator.did(*publish(str(file), "--json"), *options, *more, *prices).json
    del published["halted"], published["rollout_basis_points"]
    assert {name: published.pop(name) for name in ("builds", "paid_upgrade")} == {
        "builds": [
            {
                "file_name": "cad.zip",
                "platform": "any-any",
                "length": 6,
                "sha256": hashlib.sha256(b"123456").hexdigest(),
                "path": "cad/1.0/cad.zip",
            }
        ],
        "paid_upgrade": {
            "price_in_support": {"minor_units": 0, "currency": "EUR"},
            "price_without_support": {"minor_units": 9900, "currency": "EUR"},
        },
    }
    assert {name: published[name] for name in published if name not in ("ramp", "rollout")} == {
        "product": "cad",
        "version": "1.0",
        "kind": "major",
        "released_on": "2026-10-01",
        "channel": "beta",
        "editions": ["pro"],
        "upgrade_from": "0.9",
        "open_release": True,
        "withdrawn": None,
        "notes_languages": [],
        "side_files": [],
        "fixes": [],
        "is_new": True,
    }


def test_the_same_again_confirms_also_on_another_day(operator: Operator) -> None:
    operator.publish("1.0")
    operator.today = operator.today.replace(day=30)
    assert operator.publish("1.0").out.startswith("Already published: cad 1.0.\n")
    assert operator.publish("1.0", "--json").json["is_new"] is False
    assert operator.audit_trail("cad 1.0") == ["release.publish"]


def test_files_for_several_platforms_go_together(operator: Operator) -> None:
    files = [str(operator.build(name)) for name in ("cad.deb", "cad.msi")]
    platforms = ("--platform", "linux-x86_64", "--platform", "windows-x86_64")
    operator.did("publish", *files, *CAD, "--version", "1.0", *platforms)
    assert "linux-x86_64, windows-x86_64" in operator.did("releases").out
    refused = operator.run("publish", *files, "--platform", "any", *platforms, *CAD, "--version", "1.1")
    assert refused.code == 2
    assert "2 files" in refused.error


def test_releases_are_listed_newest_version_first_with_their_state(operator: Operator) -> None:
    assert operator.did("releases").out == "Nothing is published yet: tenure publish does it.\n"
    for version in ("1.9", "1.10"):
        operator.publish(version)
    operator.did("withdraw", *CAD, "--version", "1.9", "--reason", "crashes on start", "--replacement", "1.10")
    columns, *lines = operator.did("releases", *CAD).out.splitlines()
    assert columns.split() == ["RELEASE", "DAY", "KIND", "CHANNEL", "EDITIONS", "PLATFORMS", "STATE"]
    assert [line[:8].strip() for line in lines] == ["cad 1.10", "cad 1.9"]
    assert lines[0].endswith("any        published")
    assert lines[1].endswith("withdrawn: crashes on start, use 1.10")
    listed = operator.did("releases", "--json").json
    assert [release["version"] for release in listed] == ["1.10", "1.9"]
    assert listed[1]["withdrawn"] == {"reason": "crashes on start", "replacement": "1.10"}
    assert "no such product" in operator.run("releases", "--product", "cod").error


def test_withdrawing_again_changes_nothing_and_another_reason_does(operator: Operator) -> None:
    operator.publish("1.0")
    withdraw = ("withdraw", *CAD, "--version", "1.0", "--reason")
    assert operator.did(*withdraw, "crashes").out == "Withdrew cad 1.0.\n"
    assert operator.did(*withdraw, "crashes").out == "Withdrawn before: cad 1.0.\n"
    assert operator.audit_trail("cad 1.0") == ["release.withdraw", "release.publish"]
    assert operator.did(*withdraw, "crashes on start", "--json").json == {
        "product": "cad",
        "version": "1.0",
        "withdrawn": {"reason": "crashes on start", "replacement": None},
        "is_new": True,
    }
    refused = operator.run(*publish(str(operator.build("new.zip"))))
    assert "withdrawn" in refused.error
    assert "new version" in refused.hint


def test_other_bytes_under_a_published_version_are_refused_with_the_way_out(operator: Operator) -> None:
    operator.publish("1.0")
    refused = operator.run(*publish(str(operator.build("cad-1.0.zip", b"other bytes"))))
    assert refused.code == 1
    assert "new version" in refused.hint


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (("--version", "1+0"), 2, "--version"),
        (("--version", "one"), 2, "--version"),
        (("--version", "1" * 100), 2, "--version"),
        (("--product", "../cad"), 2, "--product"),
        (("--product", "cod"), 1, "no such product"),
        (("--platform", "amiga-68000"), 2, "--platform"),
        (("--edition", "max"), 1, "no edition max"),
        (("--channel", "nightly"), 1, "no channel nightly"),
        (("--channel", "Beta!"), 2, "--channel"),
        (("--kind", "huge"), 2, "'huge'"),
        (("--released-on", "2026-02-30"), 2, "--released-on"),
        (("--upgrade-from", "1.0"), 1, "below"),
        (("--notes", "x" * 70_000), 1, "notes"),
        (("--notes", "x", "--notes-file", "y"), 2, "--notes-file"),
        (("--notes-file", "missing.md"), 1, "missing.md"),
        (("--upgrade-price-in-support", "10"), 2, "go together"),
        (("--upgrade-price-in-support", "10", "--upgrade-price-without-support", "1,5"), 2, "--upgrade-price-without"),
        (("--currency", "EUR"), 2, "--currency"),
        (
            ("--currency", "RM", "--upgrade-price-in-support", "1", "--upgrade-price-without-support", "1"),
            2,
            "ISO 4217",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_publishes_nothing(
    operator: Operator, options: tuple[str, ...], code: int, problem: str
) -> None:
    refused = operator.run(*publish(str(operator.build("cad.zip"))), *options)
    assert (refused.code, problem in refused.error) == (code, True), refused.err
    assert operator.did("releases", "--json").json == []
    assert not list((operator.data_dir / "store").rglob("*.zip"))


@pytest.mark.parametrize("name", ["cad 1.0.zip", ".hidden", "-rf", "a\nb.zip", "ü.zip", "c" * 200 + ".zip"], ids=ascii)
def test_a_file_name_that_could_leave_its_place_is_refused(operator: Operator, name: str) -> None:
    file = operator.build(name)
    refused = operator.run("publish", *CAD, "--version", "1.0", "--platform", "any", "--", file)
    assert refused.code == 2
    assert len(refused.error) < 1000


def test_files_that_cannot_be_read_are_named_before_anybody_is_asked_for_a_passphrase(operator: Operator) -> None:
    fine, folder, empty = operator.build("fine.zip"), operator.directory / "cad.app", operator.build("empty.zip", b"")
    folder.mkdir()
    for files, problem in (
        ((fine, operator.directory / "missing.zip"), "missing.zip"),
        ((folder,), "cad.app"),
        ((empty,), "empty"),
    ):
        refused = operator.run(*publish(*map(str, files)), TENURE_PASSPHRASE_FILE=None, TENURE_PASSPHRASE="x" * 20)
        assert refused.code == 1
        if files != (empty,):
            assert problem in refused.error
    assert "empty" in operator.run(*publish(str(empty))).error


def test_notes_that_are_not_text_are_refused(operator: Operator) -> None:
    notes = operator.build("notes.md", b"\xff\xfe")
    refused = operator.run(*publish(str(operator.build("cad.zip")), "--notes-file", str(notes)))
    assert "UTF-8" in refused.error


def damage(key: Path, how: str) -> None:
    match how:
        case "readable by others":
            key.chmod(0o644)
        case "not encrypted":
            from tenure_signing.key_sources import new_key, write_unencrypted

            key.unlink()
            write_unencrypted(key, new_key())
        case "no key":
            key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nnonsense\n")
        case "a folder":
            key.unlink()
            key.mkdir()
        case "a pipe":
            key.unlink()
            os.mkfifo(key, 0o600)
        case "missing":
            key.unlink()


@pytest.mark.parametrize("how", ["readable by others", "not encrypted", "no key", "a folder", "a pipe", "missing"])
def test_a_key_file_that_must_not_be_used_is_named_and_signs_nothing(operator: Operator, how: str) -> None:
    key = operator.data_dir / "keys" / "offline" / "product-cad.pem"
    damage(key, how)
    refused = operator.run(*publish(str(operator.build("cad.zip"))))
    assert refused.code == 1
    assert str(key) in refused.error
    assert operator.did("releases", "--json").json == []


def test_a_wrong_passphrase_is_said_without_repeating_it(operator: Operator) -> None:
    file = str(operator.build("cad.zip"))
    refused = operator.run(*publish(file), TENURE_PASSPHRASE_FILE=None, TENURE_PASSPHRASE="hunter2 hunter2 hunter2")
    assert refused.code == 1
    assert "passphrase is wrong" in refused.error
    assert "hunter2" not in refused.err


def test_somebody_elses_key_under_the_right_name_publishes_nothing(operator: Operator) -> None:
    from tenure_signing.key_sources import new_key, write_encrypted

    key = operator.data_dir / "keys" / "offline" / "product-cad.pem"
    key.unlink()
    write_encrypted(key, new_key(), operator.passphrase_file.read_bytes().rstrip())
    assert operator.run(*publish(str(operator.build("cad.zip")))).error
    assert operator.did("releases", "--json").json == []


def test_a_release_that_others_need_as_a_step_is_not_withdrawn_by_mistake(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.publish("2.0")
    operator.publish("3.0", "--upgrade-from", "2.0")
    withdraw = ("withdraw", *CAD, "--version", "2.0", "--reason", "crashes")
    refused = operator.run(*withdraw)
    assert refused.error == "older installs reach cad 3.0 only through 2.0"
    assert "--although-needed" in refused.hint
    with monkeypatch.context() as patch:
        terminal = io.StringIO("n\n")
        patch.setattr(terminal, "isatty", lambda: True)
        patch.setattr(sys, "stdin", terminal)
        asked = operator.run(*withdraw)
    assert asked.code != 0
    assert "warning: Older installs reach cad 3.0 only through 2.0." in asked.err
    assert operator.audit_trail("cad 2.0") == ["release.publish"]
    operator.publish("2.5", "--rollout", "100%")
    assert operator.did(*withdraw).out == "Withdrew cad 2.0.\n"  # there is another step
    operator.did("withdraw", *CAD, "--version", "2.5", "--reason", "crashes", "--although-needed")
    assert operator.audit_trail("cad 2.5") == ["release.withdraw", "release.publish"]
