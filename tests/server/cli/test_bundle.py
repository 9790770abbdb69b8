"""``tenure bundle`` at the terminal, and the bundle at a customer's."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tenure_client.cli import run
from tests.server.cli.at_the_terminal import Operator


@pytest.fixture
def vendor(operator: Operator) -> Operator:
    operator.today = date.today()
    operator.publish("1.0", "--released-on", "2026-01-10")
    return operator


def offline_key(vendor: Operator) -> Path:
    return vendor.data_dir / "keys" / "offline" / "root.pem"


def with_root(vendor: Operator) -> None:
    draft = vendor.directory / "air-gap.json"
    vendor.did("bundle", "root", "draft", "--out", draft, "--key", offline_key(vendor))
    vendor.did("bundle", "root", "accept", draft)


def customer(vendor: Operator, *arguments: object) -> int:
    known = {"root": vendor.data_dir / "root.json", "product": "cad", "installed-version": "0.9"}
    options = [word for name, value in known.items() for word in (f"--{name}", str(value))]
    state = ["--state", str(vendor.directory / "state"), "--platform", "linux-x86_64"]
    return run([*map(str, arguments), *options, *state])


def test_from_the_ceremony_to_the_customers_machine(vendor: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    """Root is drafted on the server, signed elsewhere, accepted; the customer has no network."""
    draft, bundle = vendor.directory / "air-gap.json", vendor.directory / "cad.tenure"
    sold = vendor.issue("--smp-years", "1")
    assert "no air-gap root" in vendor.run("bundle", "create", sold["licence_id"], "--out", bundle).error
    assert "0 of the 1" in vendor.did("bundle", "root", "draft", "--out", draft).out
    signed = vendor.did("bundle", "root", "sign", draft, "--key", offline_key(vendor), "--yes")
    assert "for bundles only" in signed.err
    assert "1 of the 1" in signed.out
    vendor.did("bundle", "root", "accept", draft)
    planned = vendor.did("bundle", "create", sold["licence_id"], "--out", bundle, "--dry-run", "--json").json
    assert not bundle.exists()
    made = vendor.did("bundle", "create", sold["licence_id"], "--out", bundle, "--json").json
    assert bundle.stat().st_size == made["length"] == planned["length"]
    assert made["versions"] == ["1.0"]
    assert "exists already" in vendor.run("bundle", "create", sold["licence_id"], "--out", bundle).error

    assert customer(vendor, "bundle", "verify", bundle, "--json") == 0
    held = json.loads(capsys.readouterr().out)
    assert (held["licence_id"], held["expires_at"]) == (sold["licence_id"], made["expires"])
    assert customer(vendor, "bundle", "verify", bundle) == 0
    assert "1.0, major of 2026-01-10" in capsys.readouterr().out
    assert customer(vendor, "bundle", "extract", bundle, "--to", vendor.directory / "out") == 0
    assert Path(capsys.readouterr().out.strip()).read_bytes() == b"the bytes of cad-1.0.zip\n"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert customer(vendor, "bundle", "extract", bundle, "1.0") == 6
    assert "is no bundle" in capsys.readouterr().err


def test_an_unsigned_air_gap_root_is_not_accepted(vendor: Operator) -> None:
    draft = vendor.directory / "air-gap.json"
    vendor.did("bundle", "root", "draft", "--out", draft)
    assert "signed by 0 of the 1" in vendor.run("bundle", "root", "accept", draft).error
    other = vendor.data_dir / "keys" / "offline" / "targets.pem"
    assert "no root key" in _last(vendor.run("bundle", "root", "sign", draft, "--key", other, "--yes").err)
    vendor.build("junk.json", b"{}")
    assert vendor.run("bundle", "root", "accept", vendor.directory / "junk.json").code == 1


def _last(err: str) -> str:
    return err.splitlines()[-2]


def test_what_cannot_be_bundled_is_said(vendor: Operator) -> None:
    with_root(vendor)
    licence = vendor.issue("--purchased-on", "2026-01-20")["licence_id"]
    vendor.publish("1.1", "--released-on", "2026-02-01", platform="linux-x86_64")
    out = vendor.directory / "cad.tenure"

    def refused(*arguments: str) -> str:
        return vendor.run("bundle", "create", licence, "--out", out, *arguments).error

    assert "released on 2026-02-01" in refused("--version", "1.1")
    assert "no cad 7.0" in refused("--version", "7.0")
    assert vendor.did("bundle", "create", licence, "--out", out, "--dry-run", "--json").json["versions"] == ["1.0"]
    assert "no such licence" in vendor.run("bundle", "create", "x", "--out", out).error
    rich = vendor.issue("--purchased-on", "2026-01-20", "--smp-years", "1")["licence_id"]
    shown = vendor.run("bundle", "create", rich, "--out", out, "--version", "1.1", "--platform", "windows-x86_64")
    assert "no build for windows-x86_64" in shown.error
    assert not out.exists()
