"""Every ceremony with the real commands, and a real TUF client before, during and after it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import BadVersionNumberError, RepositoryError, UnsignedMetadataError
from tuf.api.metadata import TargetFile, Targets

from tenure_server.app import create_app
from tenure_signing.errors import NotEnoughSignatures
from tenure_signing.tuf_drafts import renewed, sign
from tenure_signing.tuf_repository import load
from tests.end_to_end.ceremony import A_DAY, PASSPHRASE, Team, team_with
from tests.end_to_end.thieves import online_forgery, stolen
from tests.server.databases import DATABASES
from tests.services.softhsm import PIN, SoftHsm
from tests.services.web_server import running_web_server

TROJAN = "cad/6.6.6/trojan.zip"
KEYS_PATH = "_trust/licence-keys.json"


@pytest.fixture
def new_team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """Nothing is set up yet."""
    with team_with(request, tmp_path) as team:
        yield team


def set_up(team: Team) -> Team:
    """Root and targets are signed by two of Ada, Bo and Cyn; Eng and Eve release cad, both needed."""
    team.begin()
    team.add_product("cad", "eng", "eve", threshold=2, signers=("ada", "bo"))
    return team


@pytest.fixture
def team(new_team: Team) -> Team:
    """Set up, on SQLite."""
    return set_up(new_team)


@pytest.fixture(params=DATABASES)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """Set up, on SQLite and on PostgreSQL: for one ceremony of each kind."""
    with team_with(request, tmp_path) as team:
        yield set_up(team)


# Beginning


def test_three_people_begin_and_any_two_of_them_suffice(new_team: Team) -> None:
    team = new_team
    draft = team.directory / "first.json"
    begun = team.did("trust", "start", *team.option("--root-key", "ada", "bo", "cyn"), "--out", draft)
    assert "+ key of root: Ada" in begun.out
    assert "root is signed by 2 of 3" in begun.out
    refused = team.run("trust", "submit", draft)
    assert refused.code == 1
    assert "root has 0 of 2 signatures" in refused.err
    team.sign(draft, "ada")
    assert team.run("trust", "submit", draft).code == 1
    status = team.run("trust", "status", draft)
    assert status.code == 1
    assert "signed by     Ada" in status.out
    assert "may yet sign" in status.out
    assert "Bo" in status.out
    assert not team.root_file.exists()
    team.sign(draft, "cyn")
    assert team.run("trust", "status", draft).code == 0
    team.submit(draft)
    assert "Already published" in team.submit(draft).out
    assert team.finds(team.new_client(), KEYS_PATH)
    root = team.repository().root()
    assert root.roles["root"].threshold == root.roles["targets"].threshold == 2
    assert set(root.roles["root"].keyids) == {team.key_id(name) for name in ("ada", "bo", "cyn")}


def test_a_second_beginning_is_refused(team: Team) -> None:
    again = team.run("trust", "start", *team.option("--root-key", "ada", "bo"), "--out", team.directory / "x.json")
    assert "has a root already" in again.err


def test_people_sign_copies_in_parallel_and_merge_them(new_team: Team) -> None:
    team = new_team
    draft = team.directory / "first.json"
    team.did("trust", "start", *team.option("--root-key", "ada", "bo", "cyn"), "--out", draft)
    copies = [Path(shutil.copy(draft, team.directory / f"{name}.copy.json")) for name in ("ada", "bo")]
    for name, copy in zip(("ada", "bo"), copies, strict=True):
        team.sign(copy, name)
    both = team.directory / "both.json"
    assert team.run("trust", "submit", copies[0]).code == 1
    team.did("trust", "merge", *copies, "--out", both)
    team.submit(both)
    assert team.finds(team.new_client(), KEYS_PATH)


def test_a_root_key_on_a_token_signs_beside_key_files(
    new_team: Team, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    team, uri = new_team, softhsm.new_key(41)
    token = team.directory / "token.json"
    team.did("keys", "public", uri, "--out", token, "--name", "Ada's token")
    draft = team.directory / "first.json"
    keys = team.option("--root-key", "bo", "cyn")
    team.did("trust", "start", "--root-key", token, *keys, "--out", draft)
    team.sign(draft, "bo")
    monkeypatch.setenv("TENURE_PASSPHRASE", PIN)
    signed = team.did("trust", "sign", draft, "--key", uri, "--yes")
    assert "Ada's token" in signed.out
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    team.submit(draft)
    assert team.finds(team.new_client(), KEYS_PATH)


# Products


def test_a_product_s_releases_need_both_of_its_engineers(team: Team) -> None:
    client = team.new_client()
    with pytest.raises(NotEnoughSignatures):
        team.publish("cad", "1.0", "eng")
    assert not team.finds(client, "cad/1.0/cad-1.0.zip")
    path = team.publish("cad", "1.0", "eng", "eve")
    assert team.finds(client, path)
    assert team.finds(team.new_client(), path)


def test_a_stolen_product_key_is_replaced_and_what_the_thief_published_is_withdrawn(anywhere: Team) -> None:
    team = anywhere
    good = team.publish("cad", "1.0", "eng", "eve")
    bad = team.publish("cad", "6.6.6", "eng", "eve")  # the thief's
    client = team.new_client()
    assert team.finds(client, bad)
    draft = team.draft("new-keys", "product-keys", "cad", *team.option("--key", "fay", "gil"), "--withdraw", "6.6.6")
    review = team.did("trust", "review", draft).out
    assert "+ key of cad: Fay" in review
    assert f"- key of cad: Eng, key id {team.key_id('eng')}" in review
    assert f"file {bad} is withdrawn" in review
    assert good in review  # signed anew as it was
    team.sign(draft, "ada", "bo", "fay")
    assert team.run("trust", "submit", draft).code == 1
    assert team.finds(client, good)
    team.sign(draft, "gil")
    team.submit(draft)
    entry = team.client(client).get_targetinfo(bad)
    assert entry is not None
    assert entry.custom["tenure"]["withdrawn"]["reason"] == "not published by us"
    assert team.finds(team.new_client(), good)
    with pytest.raises(NotEnoughSignatures):
        team.publish("cad", "7.0", "eng", "eve")
    assert team.finds(client, team.publish("cad", "1.1", "fay", "gil"))


def test_forgetting_to_sign_the_product_s_role_anew_is_stopped(team: Team) -> None:
    team.publish("cad", "1.0", "eng", "eve")
    draft = team.draft("new-keys", "product-keys", "cad", *team.option("--key", "fay", "gil"))
    document = json.loads(draft.read_text())
    del document["roles"]["cad"], document["base"]["roles"]["cad"]
    draft.write_text(json.dumps(document))
    team.sign(draft, "ada", "bo")
    review = team.did("trust", "review", draft).out
    assert "WARNING  the keys of cad change, but its role is not signed anew" in review
    assert team.run("trust", "submit", draft).code == 1
    assert team.finds(team.new_client(), "cad/1.0/cad-1.0.zip")


def test_a_retired_product_leaves_the_other_products_clients_alone(team: Team) -> None:
    team.add_product("cam", "gil", threshold=1, signers=("ada", "bo"))
    cad, cam = team.publish("cad", "1.0", "eng", "eve"), team.publish("cam", "1.0", "gil")
    client = team.new_client()
    assert team.finds(client, cad)
    assert team.finds(client, cam)
    draft = team.draft("retire", "retire-product", "cam")
    assert "- product cam" in team.did("trust", "review", draft).out
    team.sign(draft, "bo", "cyn")
    assert team.finds(client, cam)
    team.submit(draft)
    for each in (client, team.new_client()):
        assert team.finds(each, cad)
        assert not team.finds(each, cam)
    newer = team.publish("cad", "1.1", "eng", "eve")
    assert team.finds(client, newer)
    assert team.statuses()["cam"]["retired"]
    keys = team.option("--key", "gil")
    again = team.run(
        *("trust", "draft", "add-product", "cam", "--edition", "pro", "--threshold", "1"),
        *keys,
        *("--out", team.directory / "again.json"),
    )
    assert "its name is not used again" in again.err


def test_a_release_of_a_product_with_two_signers_is_withdrawn_by_draft(team: Team) -> None:
    path = team.publish("cad", "1.0", "eng", "eve")
    client = team.new_client()
    assert team.finds(client, path)
    draft = team.draft("gone", "withdraw", "cad", "--version", "1.0", "--reason", "it loses drawings")
    team.sign(draft, "eng", "eve")
    team.submit(draft)
    entry = team.client(client).get_targetinfo(path)
    assert entry is not None
    assert entry.custom["tenure"]["withdrawn"] == {"reason": "it loses drawings"}


# Root and targets


def test_a_lost_root_key_is_replaced_by_the_two_that_remain(team: Team) -> None:
    client, path = team.new_client(), team.publish("cad", "1.0", "eng", "eve")
    assert team.finds(client, path)
    keep = ("--root-key", team.key_id("ada")[:8], "--root-key", team.key_id("bo"))
    draft = team.draft("root", "root", *keep, *team.option("--root-key", "dee"), "--threshold", "2")
    review = team.did("trust", "review", draft).out
    assert "+ key of root: Dee" in review
    assert f"- key of root: Cyn, key id {team.key_id('cyn')}" in review
    assert "signatures  root: 0 of 2 as root version 1 asks, INCOMPLETE" in review
    assert "signatures  root: 0 of 2 as root version 2 asks, INCOMPLETE" in review
    team.sign(draft, "ada", "dee")  # enough for the new root, not for the old one
    assert "root has 1 of 2 signatures of root version 1" in team.run("trust", "submit", draft).err
    assert team.finds(client, path)
    team.sign(draft, "bo")
    team.submit(draft)
    assert len(team.repository().roots) == 2
    assert team.finds(client, path)
    assert team.finds(team.new_client(), path)
    renewal = team.draft("renew", "renew", "root")
    cyn = team.person("cyn")
    refused = team.run(*("trust", "sign", renewal, "--key", cyn / "key.pem", "--yes", "--root", team.root_file), at=cyn)
    assert "asks for no signature of the key" in refused.err


def test_other_targets_keys_sign_targets_anew(anywhere: Team) -> None:
    team = anywhere
    client, path = team.new_client(), team.publish("cad", "1.0", "eng", "eve")
    assert team.finds(client, path)
    draft = team.draft("targets", "root", *team.option("--targets-key", "dee", "fay"))
    assert set(json.loads(draft.read_text())["roles"]) == {"root", "targets"}
    team.sign(draft, "ada", "bo")
    assert team.run("trust", "submit", draft).code == 1
    team.sign(draft, "dee", "fay")
    team.submit(draft)
    for each in (client, team.new_client()):
        assert team.finds(each, path)
    team.add_product("cam", "gil", threshold=1, signers=("dee", "fay"))
    assert team.finds(client, team.publish("cam", "1.0", "gil"))


def test_a_draft_that_something_else_overtook_is_refused(team: Team) -> None:
    late = team.draft("late", "renew", "targets")
    team.sign(late, "ada", "bo")
    team.add_product("cam", "gil", threshold=1, signers=("ada", "bo"))
    refused = team.run("trust", "submit", late)
    assert refused.code == 1
    assert "something else was published since the draft was made: targets" in refused.err
    assert "make the draft again" in refused.err


def test_a_draft_of_another_installation_is_refused(team: Team, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Team(tmp_path / "other")
    other.begin()
    draft = other.draft("renew", "renew", "targets")
    assert "belongs to another root than yours" in team.run("trust", "review", draft).err
    other.sign(draft, "ada", "bo")
    assert "belongs to another installation" in team.run("trust", "submit", draft).err


def test_a_draft_is_made_from_a_server_that_a_real_client_verified(team: Team, tmp_path: Path) -> None:
    path = team.publish("cad", "1.0", "eng", "eve")
    ada, draft = team.person("ada"), tmp_path / "renew.json"
    pinned = ada / "root.json"
    shutil.copy(team.root_file, pinned)
    with running_web_server(create_app(team.installation())) as url:
        arguments = ("trust", "draft", "renew", "targets", "--server", url, "--out", draft)
        assert "pass --root FILE" in team.run(*arguments, at=tmp_path / "nothing").err
        team.did(*arguments, at=ada)
        assert team.run("trust", "status", "--server", url, at=ada).code == 0
        stranger = tmp_path / "stranger"
        stranger.mkdir()
        strangers = Team(stranger)
        strangers.begin()
        hacked = team.run(*arguments[:-1], tmp_path / "x.json", "--root", strangers.root_file, at=ada)
        assert "the published metadata is not to be trusted" in hacked.err
    team.sign(draft, "ada", "bo")
    team.submit(draft)
    assert team.finds(team.new_client(), path)


# The server's keys


def test_stolen_online_keys_cannot_ship_a_build(team: Team) -> None:
    team.publish("cad", "1.0", "eng", "eve")
    thief = stolen(team, "snapshot"), stolen(team, "timestamp")
    role = load("cad", renewed("cad", team.repository().roles["cad"], team.now), Targets)
    role.signed.targets[TROJAN] = TargetFile.from_data(TROJAN, b"trojan", ["sha256"])
    forged = sign("cad", role.to_bytes(), *thief)
    attack = online_forgery(team, thief, {"cad": forged}, 100)
    for client in (team.new_client(), team.new_client()):
        with pytest.raises(UnsignedMetadataError, match="cad was signed by 0/2 keys"):
            team.finds(client, TROJAN, attack)


def test_stolen_online_keys_cannot_take_a_known_client_back(team: Team) -> None:
    team.publish("cad", "1.0", "eng", "eve")
    old = team.repository().roles["cad"]
    newer = team.publish("cad", "1.1", "eng", "eve")
    client = team.new_client()
    assert team.finds(client, newer)
    attack = online_forgery(team, (stolen(team, "snapshot"), stolen(team, "timestamp")), {"cad": old}, 100)
    with pytest.raises(BadVersionNumberError):
        team.finds(client, newer, attack)
    assert not team.finds(
        team.new_client(), newer, attack
    )  # a first-time client can be shown the past, never a forgery


def test_after_a_fast_forward_new_online_keys_let_every_client_go_on(anywhere: Team) -> None:
    team = anywhere
    path = team.publish("cad", "1.0", "eng", "eve")
    victim, quiet = team.new_client(), team.new_client()
    thief = stolen(team, "snapshot"), stolen(team, "timestamp")
    assert team.finds(victim, path)
    assert team.finds(quiet, path)
    attack = online_forgery(team, thief, {}, 1_000_000_000)
    assert team.finds(victim, path, attack)
    with pytest.raises(BadVersionNumberError, match="must be >= 1000000000"):
        team.finds(victim, path)
    old_licence_keys = team.installation().keys.licence_key_set()
    draft = team.draft("online", "online-keys", "--licence-keys", "retire")
    team.sign(draft, "ada")
    assert team.run("trust", "submit", draft).code == 1
    assert team.finds(quiet, path)
    team.sign(draft, "cyn")
    submitted = team.submit(draft)
    assert "now in use: the new snapshot, timestamp, licence, certificate keys" in submitted.err
    for client in (victim, quiet, team.new_client()):
        assert team.finds(client, path)
    for client in (victim, quiet, team.new_client()):
        with pytest.raises(UnsignedMetadataError, match="timestamp was signed by 0/1 keys"):
            team.finds(client, path, online_forgery(team, thief, {}, 2_000_000_000))
    with team.installation().database.reading() as records:
        published = records.signed_files.trusted_target(KEYS_PATH)
    assert published is not None
    for key in old_licence_keys.keys:
        assert key.kid.encode() in published  # retired: what it signed stays valid
    assert stolen(team, "snapshot").public_key.keyid in team.repository().root().roles["snapshot"].keyids
    team.now += 4 * A_DAY
    team.keep_fresh()
    assert team.finds(victim, team.publish("cad", "1.1", "eng", "eve"))


def test_new_online_keys_are_taken_up_even_if_the_server_died_right_after_publishing(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = team.draft("online", "online-keys")
    team.sign(draft, "ada", "bo")
    with monkeypatch.context() as dying:
        dying.setattr("tenure_server.adapters.online_key_ring.OnlineKeyFiles.take_up", _die)
        with pytest.raises(SystemExit):
            team.run("trust", "submit", draft)
    assert team.finds(team.new_client(), KEYS_PATH)
    again = team.submit(draft)
    assert "Already published" in again.out
    assert "now in use" in again.err
    team.now += 4 * A_DAY
    team.keep_fresh()
    assert team.finds(team.new_client(), KEYS_PATH)


def _die(*_: object) -> None:
    raise SystemExit(137)


def test_licence_keys_change_without_any_key_of_the_server_being_lost(team: Team) -> None:
    draft = team.draft("keys", "licence-keys", "--add-licence-key", team.public("dee"))
    assert "+ licence public key" in team.did("trust", "review", draft).out
    team.sign(draft, "ada", "bo")
    team.submit(draft)
    entry = team.client(team.new_client()).get_targetinfo(KEYS_PATH)
    with team.installation().database.reading() as records:
        published = records.signed_files.trusted_target(KEYS_PATH)
    assert entry is not None
    assert published is not None
    entry.verify_length_and_hashes(published)
    own = team.installation().online_keys.current_statement_key("licence").kid
    fatal = team.draft("fatal", "licence-keys", "--remove", own)
    team.sign(fatal, "ada", "bo")
    assert "no key of this server could sign a licence key" in team.run("trust", "submit", fatal).err


# Recovery from a backup


def test_after_an_old_backup_clients_go_on_once_the_versions_are_above_what_they_saw(team: Team) -> None:
    backup = a_backup(team)
    for _ in range(5):
        team.now += 2 * A_DAY
        team.keep_fresh()
    client = team.new_client()
    assert team.finds(client, KEYS_PATH)
    restore(team, backup)
    team.keep_fresh()
    with pytest.raises(BadVersionNumberError):
        team.finds(client, KEYS_PATH)
    recovered = team.did("trust", "recover", "--after-restore")
    assert "snapshot" in recovered.out
    assert "without --seen nobody can tell" in recovered.err
    assert team.finds(client, KEYS_PATH)
    assert team.finds(team.new_client(), KEYS_PATH)
    assert team.finds(client, team.publish("cad", "1.0", "eng", "eve"))


def database_name(url: str) -> str:
    return url.rpartition("/")[2]


def a_backup(team: Team) -> str:
    """A copy of the database: its file, or the name of another database."""
    if team.postgres is not None:
        assert team.database_url is not None
        team.close()
        return team.postgres.new_database(template=database_name(team.database_url))
    backup = team.directory / "backup.db"
    with contextlib.closing(sqlite3.connect(team.data_dir / "tenure.db")) as database:
        database.execute("VACUUM INTO ?", (str(backup),))
    return str(backup)


def restore(team: Team, backup: str) -> None:
    team.close()
    if team.postgres is not None:
        assert team.database_url is not None
        team.postgres.drop_database(team.database_url)
        team.database_url = backup
        return
    for leftover in team.data_dir.glob("tenure.db*"):
        leftover.unlink()
    shutil.copy(backup, team.data_dir / "tenure.db")


def test_what_was_published_since_the_backup_is_taken_up_from_a_client(anywhere: Team) -> None:
    team = anywhere
    team.publish("cad", "1.0", "eng", "eve")
    backup = a_backup(team)
    path = team.publish("cad", "1.1", "eng", "eve")
    keep = ("--root-key", team.key_id("ada"), "--root-key", team.key_id("bo"))
    draft = team.draft("root", "root", *keep, *team.option("--root-key", "dee"))
    team.sign(draft, "ada", "bo", "dee")
    team.submit(draft)
    team.add_product("cam", "gil", threshold=1, signers=("ada", "bo"))
    cam = team.publish("cam", "1.0", "gil")
    client = team.new_client()
    assert team.finds(client, path)
    assert team.finds(client, cam)
    restore(team, backup)
    recovered = team.did("trust", "recover", "--after-restore", "--seen", client, "--json").json
    assert recovered["root"] == {"before": 1, "after": 2}
    assert recovered["cam"] == {"before": 0, "after": 2}
    for each in (client, team.new_client()):
        assert team.finds(each, path)
        assert team.finds(each, cam)


def test_what_is_known_to_be_missing_after_a_backup_is_said_and_nothing_changes(team: Team, tmp_path: Path) -> None:
    backup = a_backup(team)
    path = team.publish("cad", "1.1", "eng", "eve")
    client, seen = team.new_client(), tmp_path / "seen"
    assert team.finds(client, path)
    seen.mkdir()
    for name in ("snapshot.json", "timestamp.json"):
        shutil.copy(client / name, seen / name)
    restore(team, backup)
    before = team.repository()
    refused = team.run("trust", "recover", "--after-restore", "--seen", seen)
    assert refused.code == 1
    assert "cad version 2 was published since the backup, and it was not seen" in refused.err
    assert team.repository() == before


def test_a_thief_s_timestamp_is_no_evidence_after_a_backup(team: Team, tmp_path: Path) -> None:
    thief = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    forged = tmp_path / "timestamp.json"
    forged.write_bytes(online_forgery(team, thief, {}, 5_000).roles["timestamp"])
    refused = team.run("trust", "recover", "--after-restore", "--seen", forged)
    assert "is not signed by the key that root names" in refused.err
    genuine = stolen(team, "snapshot"), stolen(team, "timestamp")
    forged.write_bytes(online_forgery(team, genuine, {}, 10**13).roles["timestamp"])
    assert "give them new online keys" in team.run("trust", "recover", "--after-restore", "--seen", forged).err


# Expiry


def test_the_expiry_watch_calls_people_before_a_role_lapses(team: Team) -> None:
    assert team.run("trust", "status").code == 0
    team.now += 121 * A_DAY
    team.keep_fresh()
    status = team.run("trust", "status")
    assert status.code == 1
    assert "due: tenure trust draft renew" in status.out
    assert [role for role, life in team.statuses().items() if life["needs_people"]] == ["cad"]
    draft = team.draft("renew", "renew")
    team.sign(draft, "eng", "eve")
    team.submit(draft)
    assert team.run("trust", "status").code == 0


def test_a_lapsed_product_stops_nobody_else_and_is_renewed(team: Team) -> None:
    team.add_product("cam", "gil", threshold=1, signers=("ada", "bo"))
    cad = team.publish("cad", "1.0", "eng", "eve")
    client = team.new_client()
    assert team.finds(client, cad)
    team.now += 100 * A_DAY
    cam = team.publish("cam", "1.0", "gil")
    team.now += 81 * A_DAY
    team.keep_fresh()
    assert team.finds(client, cam)
    with pytest.raises(RepositoryError, match="cad is expired"):
        team.finds(team.new_client(), cad)
    newer = team.publish("cam", "1.1", "gil")
    assert team.finds(client, newer)
    assert team.statuses()["cad"]["days_left"] < 0
    draft = team.draft("renew", "renew", "cad")
    team.sign(draft, "eng", "eve")
    team.submit(draft)
    assert team.finds(client, cad)
    assert team.finds(team.new_client(), cad)


def test_everything_that_expired_in_a_forgotten_year_is_renewed_in_one_ceremony(anywhere: Team) -> None:
    team = anywhere
    path = team.publish("cad", "1.0", "eng", "eve")
    client = team.new_client()
    assert team.finds(client, path)
    team.now += 400 * A_DAY
    for each in (client, team.new_client()):
        with pytest.raises(RepositoryError, match="expired"):
            team.finds(each, path)
    assert team.run("trust", "status").code == 1
    draft = team.draft("renew", "renew")
    assert set(json.loads(draft.read_text())["roles"]) == {"root", "targets", "cad"}
    team.sign(draft, "ada", "bo", "eng")
    with pytest.raises(RepositoryError, match="expired"):
        team.finds(client, path)
    team.sign(draft, "eve")
    team.submit(draft)
    for each in (client, team.new_client()):
        assert team.finds(each, path)
    assert team.run("trust", "status").code == 0
