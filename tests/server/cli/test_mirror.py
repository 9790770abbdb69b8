"""``tenure mirror`` at the terminal."""

from __future__ import annotations

import pytest

from tests.server.cli.at_the_terminal import Operator


@pytest.fixture
def vendor(operator: Operator) -> Operator:
    operator.publish("1.0")
    return operator


def test_a_mirror_is_made_shown_and_kept_up_to_date(vendor: Operator) -> None:
    mirror = vendor.directory / "mirror"
    planned = vendor.did("mirror", mirror, "--dry-run")
    assert "metadata/timestamp.json" in planned.out.splitlines()[-3]
    assert "Nothing was changed" in planned.out
    assert not mirror.exists()
    made = vendor.did("mirror", mirror, "--json").json
    assert made["sent"][-1]["file"] == "metadata/timestamp.json"
    assert (mirror / "metadata" / "1.root.json").read_bytes() == (vendor.data_dir / "root.json").read_bytes()
    assert "0 files" in vendor.did("mirror", mirror).out
    assert "up to date" in vendor.did("mirror", mirror, "--dry-run").out
    assert vendor.audit_trail(str(mirror)) == ["mirror.update"]


def test_builds_do_not_become_public_by_themselves(vendor: Operator) -> None:
    mirror = vendor.directory / "mirror"
    refused = vendor.run("mirror", mirror, "--builds")
    assert refused.code == 1
    assert "nobody said who can read" in refused.error
    assert "--readable-by" in refused.hint
    assert "short-lived links" in refused.hint
    assert not mirror.exists()
    vendor.did("mirror", mirror, "--builds", "--readable-by", "anyone")
    assert len(list(mirror.rglob("*.cad-1.0.zip"))) == 1
    told = vendor.did("mirror", mirror).err
    assert "1 build that this run does not ask for will be removed" in told


def test_metadata_for_licensees_does_not_become_public_either(vendor: Operator) -> None:
    mirror = vendor.directory / "mirror"
    refused = vendor.run("mirror", mirror, TENURE_METADATA_ACCESS="any_valid_licence")
    assert "TENURE_METADATA_ACCESS" in refused.error
    assert not mirror.exists()
    vendor.did("mirror", mirror, "--readable-by", "nobody", TENURE_METADATA_ACCESS="any_valid_licence")
    assert (mirror / "metadata" / "timestamp.json").stat().st_mode & 0o077 == 0


def test_another_root_than_the_published_one_is_not_mirrored(vendor: Operator) -> None:
    other = vendor.build("other.json", b"{}")
    refused = vendor.run("mirror", vendor.directory / "mirror", "--root", other)
    assert refused.code == 1
    assert "not to be trusted" in refused.error
    assert not (vendor.directory / "mirror").exists()


def test_where_a_mirror_cannot_be_is_said(vendor: Operator) -> None:
    assert "directory or s3://" in vendor.run("mirror", "https://cdn.example.com/x").error
    missing = vendor.run("mirror", "s3://no-such-bucket/x", TENURE_MIRROR_S3_ENDPOINT_URL="http://127.0.0.1:9")
    assert "could not" in missing.error


def test_before_init_there_is_nothing_to_mirror(newcomer: Operator) -> None:
    assert newcomer.run("mirror", newcomer.directory / "mirror").code == 1
