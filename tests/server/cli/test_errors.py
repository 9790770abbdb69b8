"""Whatever goes wrong: one ``error:`` line, one ``hint:`` line, an exit code, no traceback, no secret."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tenure_server.cli import main as command
from tests.server.cli.at_the_terminal import PROGRAM, Operator
from tests.services.ports import free_port

READING = [("licence", "list"), ("product", "list"), ("releases",), ("licence", "show", "x")]
WRITING = [
    ("licence", "issue", "--product", "cad", "--edition", "pro", "--customer", "Ada", "--price", "1"),
    ("licence", "renew", "x", "--years", "1"),
    ("licence", "suspend", "x", "--reason", "y"),
    ("withdraw", "--product", "cad", "--version", "1.0", "--reason", "x"),
    ("product", "add", "cam", "--edition", "std"),
]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("pubilsh",), "no such command 'pubilsh'"),
        (("licence", "isue"), "no such command 'isue'"),
        (("releases", "--produkt", "cad"), "--produkt"),
        (("releases", "extra"), "extra"),
        (("licence", "show"), "LICENCE"),
        (("publish",), "FILE"),
        (("withdraw", "--product", "cad"), "--version"),
        (("releases", "--product"), "--product"),
        (("serve", "--port", "http"), "--port"),
        (("serve", "--port", "70000"), "--port"),
        (("--data-dir",), "--data-dir"),
        (("licence", "list", "--limit", "0"), "--limit"),
        (("a\nb\x1b[2J",), "no such command"),
    ],
)
def test_what_is_misspelt_is_said_with_where_to_read_on(
    operator: Operator, arguments: tuple[str, ...], problem: str
) -> None:
    refused = operator.run(*arguments)
    assert refused.code == 2
    assert problem in refused.error
    assert "--help" in refused.hint


@pytest.mark.parametrize("group", [(), ("licence",), ("product",)])
def test_a_command_that_is_not_finished_shows_the_help(operator: Operator, group: tuple[str, ...]) -> None:
    shown = operator.run(*group)
    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.startswith("Usage: tenure")


@pytest.mark.parametrize("arguments", [*READING, *WRITING], ids=" ".join)
def test_before_init_every_command_says_so(newcomer: Operator, arguments: tuple[str, ...]) -> None:
    refused = newcomer.run(*arguments)
    assert refused.code == 1
    assert "tenure init" in refused.hint
    assert not newcomer.data_dir.exists()


@pytest.mark.parametrize("arguments", [*READING, *WRITING], ids=" ".join)
def test_a_database_that_is_down_is_said_without_its_password(operator: Operator, arguments: tuple[str, ...]) -> None:
    url = f"postgresql://tenure:geheim@127.0.0.1:{free_port()}/tenure"
    refused = operator.run(*arguments, TENURE_DATABASE_URL=url)
    assert refused.code == 1
    assert "database does not answer" in refused.error
    assert "geheim" not in refused.err


def test_a_database_that_is_no_database_is_said(operator: Operator) -> None:
    for file in operator.data_dir.glob("tenure.db*"):
        file.unlink()
    (operator.data_dir / "tenure.db").write_bytes(b"certainly no database" * 1000)
    assert operator.run("licence", "list").code == 1
    assert "database" in operator.run("licence", "list").error


def test_an_s3_store_that_is_down_is_said_without_its_secret(operator: Operator) -> None:
    refused = operator.run(
        *("publish", operator.build("cad.zip"), "--product", "cad", "--version", "1.0", "--platform", "any"),
        TENURE_S3_BUCKET="builds",
        TENURE_S3_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}",
        TENURE_S3_ACCESS_KEY_ID="an-id",
        TENURE_S3_SECRET_ACCESS_KEY="geheim",
    )
    assert refused.code == 1
    assert "store" in refused.error
    assert "geheim" not in refused.err
    assert operator.did("releases", "--json").json == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TENURE_PORT", "http"),
        ("TENURE_PORT", "70000"),
        ("TENURE_TIME_ZONE", "Kuala Lumpur"),
        ("TENURE_DATABASE_URL", "mysql://u:geheim@h/d"),
        ("TENURE_DATABASE_URL", "postgresql://u:geheim@h:port/d"),
        ("TENURE_ONE_YEAR_PERCENT", "NaN"),
        ("TENURE_BASE_URL", "updates.example.com"),
        ("TENURE_S3_SECRET_ACCESS_KEY", "geheim"),
        ("TENURE_DATABSE_URL", "postgresql://u:geheim@h/d"),
    ],
)
def test_settings_that_cannot_be_used_are_named_but_not_repeated(operator: Operator, variable: str, value: str) -> None:
    refused = operator.run("licence", "list", **{variable: value})
    assert refused.code == 1
    assert variable in refused.error or "database's URL" in refused.error
    assert "geheim" not in refused.err


def test_a_bug_is_one_line_and_its_traceback_is_kept_for_its_owner(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    context_of = "tenure_server.cli.licences.context_of"
    monkeypatch.setattr(context_of, lambda ctx: 1 // 0)
    refused = operator.run("licence", "list")
    assert refused.code == 1
    assert "ZeroDivisionError" in refused.error
    kept = next(path for path in tmp_path.glob("tenure-*.txt"))
    assert str(kept) in refused.hint
    assert kept.stat().st_mode & 0o077 == 0
    assert "context_of" in kept.read_text()


def test_control_c_is_130(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(ctx: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tenure_server.cli.licences.context_of", interrupted)
    refused = operator.run("licence", "list")
    assert refused.code == command.INTERRUPTED == 130
    assert refused.error == "interrupted"


def heeds_control_c() -> None:
    """Shells have programs in the background ignore it, and their children after them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_control_c_at_a_real_command_is_130_without_a_traceback(operator: Operator) -> None:
    """The command waits for its passphrase at a pipe that nobody writes to."""
    pipe = operator.directory / "never"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [PROGRAM, "publish", operator.build("cad.zip"), "--product", "cad", "--version", "1.0", "--platform", "any"],
        env=operator.environment | {"TENURE_PASSPHRASE_FILE": str(pipe)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
    )
    with pipe.open("w"):  # opens once the command has opened its side
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("error: interrupted\nhint: ")


def test_the_real_program_says_no_more_than_this_one(operator: Operator) -> None:
    refused = operator.really("licence", "show", "nobody")
    assert (refused.code, refused.error) == (1, "there is no such licence")
    assert operator.really("nonsense").code == 2
    assert operator.really("--version").out.startswith("tenure ")
    listed = operator.really("product", "list")
    assert (listed.code, listed.err) == (0, "")


def test_a_full_disk_under_the_output_is_an_error(operator: Operator) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, "product", "list", "--json"],
            env=operator.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2


def test_a_reader_that_leaves_early_is_no_reason_to_complain(operator: Operator) -> None:
    process = subprocess.Popen(
        [PROGRAM, "product", "list", "--json"],
        env=operator.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 1
