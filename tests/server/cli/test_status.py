"""``tenure status``: what an operator, or the monitoring, looks at."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

from tenure_server.cli.context import CommandContext
from tenure_server.cli.main import main
from tests.server.cli.at_the_terminal import Operator
from tests.services.ports import free_port


def test_all_is_well(operator: Operator) -> None:
    operator.publish("1.0")
    said = operator.did("status")
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[:4] == [
        "database         answers",
        "store            answers",
        "products         1",
        "releases         1",
    ]
    assert lines[4].startswith("signer           embedded, in tenure serve; last signed 20")
    assert lines[5].startswith("signed metadata  root version 1 expires in ")
    assert [line.split()[0] for line in lines[6:]] == ["targets", "snapshot", "timestamp", "cad"]


def test_programs_are_told_the_same(operator: Operator) -> None:
    status = operator.did("status", "--json").json
    assert (status["well"], status["database"], status["store"]) == (True, None, None)
    assert [role["name"] for role in status["roles"]] == ["root", "targets", "snapshot", "timestamp", "cad"]
    assert not any(role["needs_people"] for role in status["roles"])


def status_after(operator: Operator, days: int) -> int:
    context = CommandContext()
    installation = operator.installation()
    object.__setattr__(installation, "signing_clock", lambda: datetime.now(UTC) + timedelta(days=days))
    vars(context)["installation"] = installation
    return main(["status"], context)


def test_offline_metadata_that_people_have_to_sign_soon_is_no_longer_well(operator: Operator) -> None:
    """Snapshot and timestamp are the running server's; root, targets and products wait for their people."""
    assert status_after(operator, 1) == 0  # the timestamp is due: the server does it
    assert status_after(operator, 3) == 1  # it has expired: nobody did it
    operator.installation().keep_metadata_fresh()
    assert status_after(operator, 0) == 0


def test_a_product_that_is_due_needs_its_people_although_the_server_does_its_part(operator: Operator) -> None:
    context = CommandContext()
    installation = operator.installation()
    object.__setattr__(installation, "signing_clock", lambda: datetime.now(UTC) + timedelta(days=150))
    installation.keep_metadata_fresh()
    vars(context)["installation"] = installation
    assert main(["status", "--json"], context) == 1


def test_before_init_there_is_only_one_thing_to_say(newcomer: Operator) -> None:
    refused = newcomer.run("status")
    assert refused.code == 1
    assert "tenure init" in refused.hint
    assert not newcomer.data_dir.exists()


def test_a_store_that_cannot_be_written_is_said(operator: Operator) -> None:
    shutil.rmtree(operator.data_dir / "store", ignore_errors=True)
    (operator.data_dir / "store").write_text("in the way")
    said = operator.run("status")
    assert said.code == 1
    assert "store" in said.out + said.err


def test_a_database_that_is_down_is_said_without_its_password(operator: Operator) -> None:
    url = f"postgresql://tenure:geheim@127.0.0.1:{free_port()}/tenure"
    said = operator.run("status", TENURE_DATABASE_URL=url)
    assert said.code == 1
    assert "database does not answer" in said.out
    assert "refused" in said.out
    assert "geheim" not in said.out + said.err
    assert operator.run("status", "--json", TENURE_DATABASE_URL=url).json["well"] is False
