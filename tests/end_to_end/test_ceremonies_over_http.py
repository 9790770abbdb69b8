"""Ceremonies over the network: the server is a board where drafts hang, and nobody believes what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tenure_signing.draft_files import read_draft, to_json
from tests.end_to_end.ceremony import A_DAY, Team, team_with
from tests.end_to_end.thieves import online_forgery, stolen
from tests.server.databases import DATABASES


@pytest.fixture(params=DATABASES)
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """Root and targets are signed by two of Ada, Bo and Cyn, who each have a token; Eng releases cad."""
    with team_with(request, tmp_path) as team:
        team.begin()
        team.add_product("cad", "eng", threshold=1, signers=("ada", "bo"))
        for name in ("ada", "bo", "cyn", "eng"):
            team.token(name)
        yield team


@pytest.fixture
def small_team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """On SQLite, without a product."""
    with team_with(request, tmp_path) as team:
        team.begin()
        for name in ("ada", "bo", "cyn"):
            team.token(name)
        yield team


def made_remotely(team: Team, name: str, *arguments: str | Path) -> Path:
    """``tenure trust draft … --server URL`` on somebody's machine."""
    path = team.person(name) / "draft.json"
    path.unlink(missing_ok=True)
    made = team.remotely(name, "draft", *arguments, "--out", path)
    assert made.code == 0, made.err
    return path


def hung_up(team: Team, name: str, *arguments: str | Path) -> str:
    """The code of a draft that somebody made and pushed."""
    pushed = team.remotely(name, "push", made_remotely(team, name, *arguments), "--json")
    assert pushed.code == 0, pushed.err
    code: str = pushed.json["code"]
    return code


def test_a_lost_root_key_is_replaced_without_a_file_ever_changing_hands(team: Team) -> None:
    client, path = team.new_client(), team.publish("cad", "1.0", "eng")
    assert team.finds(client, path)
    with team.serving():
        keep = ("--root-key", team.key_id("ada")[:8], "--root-key", team.key_id("bo")[:8])
        code = hung_up(team, "ada", "root", *keep, *team.option("--root-key", "dee"), "--threshold", "2")
        listed = team.remotely("bo", "drafts").out
        assert code[:9] in listed
        assert "root 0 of 2" in listed
        review = team.remotely("bo", "review", code[:4]).out
        assert "+ key of root: Dee" in review
        assert f"- key of root: Cyn, key id {team.key_id('cyn')}" in review  # the server knows whose it is
        told = team.sign_remotely(code, "ada").out
        assert "signatures  root: 1 of 2 as root version 1 asks, INCOMPLETE" in told
        assert f"signed by     Ada ({team.key_id('ada')[:12]})" in told
        refused = team.remotely("bo", "submit", code)
        assert refused.code == 1
        assert "root has 1 of 2 signatures" in refused.err
        assert team.remotely("bo", "status", code).code == 1
        assert team.finds(client, path)
        assert "No signature is missing" in team.sign_remotely(code, "bo").out
        assert team.remotely("cyn", "status", code).code == 0
        assert len(team.repository().roots) == 1
        published = team.remotely("cyn", "submit", code)
        assert "Published root" in published.out
        assert "Already published" in team.remotely("cyn", "submit", code).out
        assert team.remotely("ada", "drafts").out.startswith("No draft waits")
        assert "submitted" in team.remotely("ada", "drafts", "--all").out
    assert len(team.repository().roots) == 2
    for each in (client, team.new_client()):
        assert team.finds(each, path)
    trail = [event["action"] for event in team.did("audit", "--subject", code, "--json").json]
    assert trail == ["trust.submit", "trust.sign", "trust.sign", "trust.push"]
    who = team.did("audit", "--subject", code, "--json").json[0]["who"]
    assert who.startswith("token cyn (")


def test_a_new_product_is_agreed_on_over_the_network_and_by_stick_at_once(team: Team) -> None:
    with team.serving():
        arguments = ("add-product", "cam", "--edition", "pro", *team.option("--key", "gil"), "--threshold", "1")
        draft = made_remotely(team, "ada", *arguments)
        stick = team.directory / "stick.json"
        stick.write_bytes(draft.read_bytes())
        code = team.remotely("ada", "push", draft, "--json").json["code"]
        team.sign_remotely(code, "ada")
        team.sign(stick, "bo", "gil")  # who sign what is on a stick
        pushed = team.remotely("cyn", "push", stick)
        assert pushed.code == 0, pushed.err
        assert "targets: 2 of 2 as targets" not in pushed.out
        assert "targets: 2 of 2 as root version 1 asks, complete" in pushed.out
        assert "cam: 1 of 1" in pushed.out
        carried = team.person("cyn") / "carried.json"
        assert team.remotely("cyn", "fetch", code, "--out", carried).code == 0
        assert read_draft(carried).is_complete
        assert team.run("trust", "submit", carried).code == 0  # at the server, as a file
        assert "submitted" in team.remotely("cyn", "drafts", "--all").out
    assert team.finds(team.new_client(), team.publish("cam", "1.0", "gil"))


def test_what_the_server_shows_is_not_believed(small_team: Team, tmp_path: Path) -> None:
    team = small_team
    strangers = Team(tmp_path / "strangers")
    strangers.directory.mkdir()
    strangers.begin()
    with team.serving():
        code = hung_up(team, "ada", "renew", "targets")
        arguments = ("sign", code, "--key", team.person("bo") / "key.pem", "--yes")
        refused = team.remotely("bo", *arguments, "--root", strangers.root_file)
        assert "the draft belongs to another root than yours" in refused.err
        assert "pass --root FILE" in team.remotely("dee", "review", code).err
        _tamper_with(team, code)
        refused = team.remotely("bo", *arguments)
        assert "the server sent another draft than the one of this code" in refused.err


def _tamper_with(team: Team, code: str) -> None:
    """What who broke into the server can do: hang another draft up under the same code."""
    with team.installation().database.writing() as records:
        stored = records.trust_drafts.get(code)
        assert stored is not None
        assert stored.document is not None
        document = json.loads(stored.document) | {"purpose": "give everything to me"}
        records.trust_drafts.set_document(code, json.dumps(document).encode())


def test_a_thief_at_the_server_cannot_have_the_past_renewed(small_team: Team) -> None:
    """The draft rests on metadata that was once signed; the client on the signer's machine is shown newer."""
    team = small_team
    old = team.draft("old", "renew", "targets")
    team.add_product("cam", "gil", threshold=1, signers=("ada", "bo"))
    with team.serving():
        refused = team.remotely("ada", "push", old)
        assert refused.code == 1
        assert "something else was published since the draft was made: targets" in refused.err
        code = hung_up(team, "ada", "renew", "targets")
        _swap(team, code, old)
        refused = team.remotely("bo", "sign", read_draft(old).code, "--key", team.person("bo") / "key.pem", "--yes")
        assert "the draft does not follow what is published: targets" in refused.err
        assert "stale" in team.remotely("bo", "drafts").out


def _swap(team: Team, code: str, draft: Path) -> None:
    with team.installation().database.writing() as records:
        stored = records.trust_drafts.get(code)
        assert stored is not None
        other = read_draft(draft)
        records.trust_drafts.add(replace(stored, code=other.code, document=to_json(other)))


def test_a_draft_that_something_else_overtook_takes_no_more_signatures(small_team: Team) -> None:
    team = small_team
    with team.serving():
        late = hung_up(team, "ada", "renew", "targets")
        other = hung_up(team, "bo", "renew", "root", "targets")
        team.sign_remotely(other, "ada", "bo")
        team.sign_remotely(late, "ada")
        assert team.remotely("cyn", "submit", other).code == 0
        assert "stale" in team.remotely("bo", "drafts").out
        for refused in (
            team.remotely("bo", "sign", late, "--key", team.person("bo") / "key.pem", "--yes"),
            team.remotely("bo", "submit", late),
        ):
            assert refused.code == 1
            assert "make the draft again" in refused.err


def test_drafts_are_cancelled_by_who_pushed_them_or_by_the_operator(small_team: Team) -> None:
    team = small_team
    with team.serving():
        code = hung_up(team, "ada", "renew", "targets")
        refused = team.remotely("bo", "cancel", code, "--reason", "not now")
        assert "the draft was pushed by token ada" in refused.err
        assert "Cancelled renew targets" in team.remotely("ada", "cancel", code, "--reason", "not now").out
        again = team.remotely("ada", "push", team.person("ada") / "draft.json")
        assert "the draft is cancelled" in again.err
        second = hung_up(team, "bo", "renew", "root")
        assert team.run("trust", "cancel", second, "--reason", "too early").code == 0
        assert team.run("trust", "drafts").out.startswith("No draft waits")


def test_a_draft_that_nobody_signs_is_taken_down_after_thirty_days(small_team: Team) -> None:
    team = small_team
    with team.serving():
        code = hung_up(team, "ada", "renew", "root")
        for name in ("ada", "bo"):
            team.did("token", "create", "--name", name, "--scope", "trust", "--days", "60")
        team.now += timedelta(days=29)
        team.keep_fresh()
        assert "open" in team.did("trust", "drafts").out
        team.now += timedelta(days=1)
        team.keep_fresh()
        assert "the draft is expired" in team.run("trust", "review", code).err
        team.draft("other", "renew", "targets")
        team.did("trust", "push", team.directory / "other.draft.json")
    assert team.did("audit", "--subject", code, "--json").json[0]["action"] == "trust.expire"


def test_metadata_for_licence_holders_only_is_opened_by_a_token(small_team: Team) -> None:
    team = small_team
    with team.serving(metadata_access="any_valid_licence"):
        code = hung_up(team, "ada", "renew", "targets")
        team.sign_remotely(code, "ada", "bo")
        assert team.remotely("ada", "submit", code).code == 0
        assert team.remotely("ada", "status").code == 0
        del team.tokens["ada"]
        refused = team.remotely("ada", "status")
        assert "shows its metadata to those who may read it only" in refused.err
        assert "TENURE_TOKEN" in refused.err
        team.token("cyn", "sales")
        assert "those who may read it only" in team.remotely("cyn", "status").err


def test_a_release_is_prepared_where_metadata_is_for_licence_holders_only(small_team: Team) -> None:
    team = small_team
    team.add_product("cad", "eng", threshold=1, signers=("ada", "bo"))
    eng = team.person("eng")
    (eng / "root.json").write_bytes(team.root_file.read_bytes())
    build = eng / "cad-1.0.zip"
    build.write_bytes(b"the build")
    token = ("token", "create", "--name", "eng", "--scope", "publish", "--product", "cad", "--days", "9")
    team.tokens["eng"] = team.did(*token).out.strip()
    release = ("--product", "cad", "--version", "1.0", "--platform", "any", "--edition", "pro", "--channel", "stable")
    with team.serving(metadata_access="any_valid_licence"):
        published = team.run("publish", build, *release, "--server", team.serves, "--yes", "--dry-run", at=eng)
    assert published.code == 0, published.err
    assert "Would publish cad 1.0" in published.out


def test_a_token_for_reading_sees_drafts_and_changes_none(small_team: Team) -> None:
    team = small_team
    with team.serving():
        code = hung_up(team, "ada", "renew", "targets")
        team.token("cyn", "read")
        assert team.remotely("cyn", "review", code).code == 0
        for refused in (
            team.remotely("cyn", "sign", code, "--key", team.person("cyn") / "key.pem", "--yes"),
            team.remotely("cyn", "submit", code),
            team.remotely("cyn", "cancel", code, "--reason", "x"),
            team.remotely("cyn", "push", team.person("ada") / "draft.json"),
        ):
            assert refused.code == 1
            assert "this token is for read, not for trust" in refused.err
        del team.tokens["cyn"]
        assert "this takes an API token" in team.remotely("cyn", "drafts").err


def test_licence_public_keys_change_over_the_network_unless_they_are_the_server_s_own(small_team: Team) -> None:
    team = small_team
    team.draft("abandoned", "online-keys", "--licence-keys", "retire")
    with team.serving():
        code = hung_up(team, "ada", "licence-keys", "--add-licence-key", team.public("dee"))
        team.sign_remotely(code, "ada", "bo")
        assert "Published targets" in team.remotely("ada", "submit", code).out
        own = team.draft("own", "online-keys", "--licence-keys", "retire")
        document = json.loads(own.read_text())
        assert set(document["roles"]) == {"root", "targets"}
        own_code = team.did("trust", "push", own, "--json").json["code"]
        team.sign_remotely(own_code, "ada", "bo")
        assert "the draft changes the server's own keys" in team.remotely("ada", "submit", own_code).err
        assert "snapshot, timestamp, licence, certificate" in team.did("trust", "submit", own_code).err


# A thief freezes


def test_after_a_thief_froze_clients_new_online_keys_let_them_see_what_was_withheld(team: Team) -> None:
    """Stolen online keys go on signing yesterday's metadata: the clients that the thief reaches see no update."""
    team.publish("cad", "1.0", "eng")
    frozen_roles = dict(team.repository().roles)
    thief = stolen(team, "snapshot"), stolen(team, "timestamp")
    victim, quiet = team.new_client(), team.new_client()
    newer = team.publish("cad", "1.1", "eng")
    for day in range(3):  # for days: nothing ever expires where the thief stands in between
        team.now += A_DAY
        withheld = {role: frozen_roles[role] for role in ("targets", "cad")}
        attack = online_forgery(team, thief, withheld, 50 + day)
        assert team.finds(victim, "cad/1.0/cad-1.0.zip", attack)
        assert not team.finds(victim, newer, attack)
        team.keep_fresh()
        assert team.finds(quiet, newer)
    draft = team.draft("online", "online-keys")
    with team.serving():
        code = team.remotely("ada", "push", draft, "--json").json["code"]
        team.sign_remotely(code, "ada", "cyn")
        refused = team.remotely("cyn", "submit", code)
        assert "the draft changes the server's own keys" in refused.err
        assert "on the server: tenure trust submit" in refused.err
        submitted = team.did("trust", "submit", code)
        assert "now in use: the new snapshot, timestamp keys" in submitted.err
    for client in (victim, quiet, team.new_client()):
        assert team.finds(client, newer)
    for client in (victim, quiet):
        with pytest.raises(Exception, match="timestamp was signed by 0/1 keys"):
            team.finds(client, newer, online_forgery(team, thief, withheld, 2_000))
