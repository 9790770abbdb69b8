"""The command ``tenure-client``, as a person and as a program see it."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenure_client import Client
from tenure_client.cli import EXIT_STATUSES, arguments, run
from tenure_client.cli.progress import PlainBar, progress_shown
from tenure_client.errors import TenureClientError
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.key_sources import new_key
from tests.client_sdk.loopback import Reply
from tests.client_sdk.vendor import QUICK, Site, body_of
from tests.services.leaving_out import leave_out_optional

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    site: Site, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs the command in an empty folder with a settings file: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "root.json").write_bytes(site.vendor.root)
    (tmp_path / "tenure-client.toml").write_text(
        f'server = "{site.server.url}"\nroot = "root.json"\nproduct = "cad"\ninstalled_version = "2.4.1"\n'
        f'state = "state"\nplatform = "linux-x86_64"\n'
    )

    def with_the_vendors_clock(options: Any) -> Client:
        opened = arguments.opened_client(options)
        return Client(replace(opened._configuration, clock=lambda: site.vendor.now, limits=QUICK))

    monkeypatch.setattr("tenure_client.cli.commands.opened_client", with_the_vendors_clock)

    def perform(*args: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = run(args)
        output = capsys.readouterr()
        return status, output.out, output.err

    return perform


@pytest.fixture
def licensed(command: Command, site: Site) -> Command:
    assert command("licence", "set", stdin=site.vendor.licence_key())[0] == 0
    return command


def test_a_licence_key_comes_from_a_pipe_or_a_file_and_is_not_shown(
    command: Command, site: Site, tmp_path: Path
) -> None:
    key = site.vendor.licence_key()
    (tmp_path / "key.txt").write_text(f"{key[:60]}\n{key[60:]}\n")
    for status, out, err in (
        command("licence", "set", stdin=key),
        command("licence", "set", "--file", "key.txt"),
        command("licence", "show"),
        command("licence", "show", "--json"),
    ):
        assert status == 0
        assert "L-1" in out
        assert key not in out + err
    assert command("licence", "show")[1] == f"licence L-1 (…{key[-6:]}): cad, pro, 5 seats, bought on 2026-04-01\n"


def test_no_option_takes_a_licence_key() -> None:
    with pytest.raises(SystemExit):
        run(["check", "--licence-key", "x"])


def test_a_check_tells_a_person_everything(licensed: Command) -> None:
    status, out, err = licensed("check")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "cad 2.4.1 (pro, stable, linux-x86_64): update available",
        "offer: 2.6.0, minor of 2026-10-01, 200.0 kB, covered: support period",
        "| Faster hidden-line removal.",
        "support: until 2027-03-31, 129 days left",
        "renewal: from 2026-12-31 at https://updates.example.com/portal (1 y 18000 MYR minor units)",
    ]


def test_a_check_tells_a_program_everything(licensed: Command) -> None:
    status, out, _ = licensed("check", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["status"] == "update_available"
    assert answer["offer"]["version"] == "2.6.0"
    assert answer["offer"]["builds"][0]["platform"] == {"os": "linux", "arch": "x86_64"}
    assert answer["source"] == "server"
    assert answer["support"]["last_covered_day"] == "2027-03-31"


def test_offline_the_command_says_since_when_it_knows(licensed: Command, site: Site) -> None:
    licensed("check")
    site.on_server = lambda request: Reply(503)
    status, out, _ = licensed("check", "--background")
    assert status == 0
    assert out.splitlines()[-1] == "as of 2026-11-23 08:00 UTC, from what was kept (server unavailable)"


def test_status_asks_nobody(licensed: Command, site: Site) -> None:
    licensed("check")
    asked = len(site.server.requests)
    status, out, _ = licensed("status")
    assert status == 0
    assert out.startswith("licence L-1")
    assert "active" in out
    assert "asked for" in out
    assert json.loads(licensed("status", "--json")[1])["answer"]["source"] == "kept"
    assert len(site.server.requests) == asked


def test_status_before_everything(command: Command) -> None:
    assert command("status")[1] == "no licence key was given yet\nnothing is known of releases yet\n"


def test_a_download_prints_where_the_file_is(licensed: Command, tmp_path: Path) -> None:
    status, out, err = licensed("download", "--to", "out")
    assert (status, err) == (0, "")
    assert (tmp_path / out.strip()).read_bytes() == body_of("2.6.0")
    assert json.loads(licensed("download", "2.5.0", "--to", "out", "--json")[1])["version"] == "2.5.0"


def test_a_download_of_nothing_says_so(licensed: Command) -> None:
    status, out, err = licensed("download", "--installed-version", "2.6.0")
    assert (status, out, err) == (0, "", "cad 2.6.0: nothing to download\n")


def test_a_file_is_verified_against_its_release(licensed: Command, tmp_path: Path) -> None:
    licensed("download")
    name = "cad-2.6.0-linux-x86_64.bin"
    status, out, _ = licensed("verify", name, "--version", "2.6.0")
    assert status == 0
    assert out.startswith(f"{name} is cad/2.6.0/{name}: 200000 bytes, SHA-256 ")
    (tmp_path / name).write_bytes(b"changed")
    status, _, err = licensed("verify", name, "--version", "2.6.0")
    assert status == 6
    assert err == f"error: {name} is no file of cad 2.6.0, or was changed\nhint: do not run it; download it again\n"


def test_every_failure_has_one_error_line_one_hint_line_and_its_status(licensed: Command, site: Site) -> None:
    forged = site.vendor.licence_key(by=new_key())
    site.vendor.publish("3.0", "2026-11-01", platform="windows-x86_64")
    failures = {
        ("check", "--root", "absent.json"): 2,
        ("check", "--server", "http://example.com"): 2,
        ("check", "--config", "absent.toml"): 2,
        ("licence", "set"): 3,
        ("download", "2.4.0", "--installed-version", "2.6.0"): 4,
        ("download", "3.0"): 4,
        ("check", "--server", "http://127.0.0.1:9", "--state", "nothing-known"): 3,
        ("verify", "tenure-client.toml", "--version", "2.6.0", "--server", "http://127.0.0.1:9", "--state", "new"): 5,
        ("verify", "tenure-client.toml", "--version", "2.6.0"): 6,
        ("check", "--state", "root.json"): 8,
    }
    for args, expected in failures.items():
        status, out, err = licensed(*args, stdin=forged)
        assert (status, out) == (expected, ""), args
        lines = err.splitlines()
        assert lines[0].startswith("error: ")
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: "))
        assert forged not in err


def test_a_download_that_is_not_covered_names_the_reason_and_where_to_renew(licensed: Command, site: Site) -> None:
    site.vendor.with_status(LicenceStatus.SUSPENDED)
    status, _, err = licensed("download", "--installed-version", "2.4.1")
    assert status == 4
    assert err == (
        "error: 2.6.0 of 2026-10-01 is not covered: licence suspended\n"
        "hint: renew at https://updates.example.com/portal\n"
    )


def test_an_interrupted_command_says_that_it_can_be_run_again(
    licensed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "check", interrupt)
    status, _, err = licensed("check")
    assert status == 130
    assert "goes on where it stopped" in err


def test_a_misspelt_setting_is_noticed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "tenure-client.toml").write_text('sever = "https://updates.example.com"\n')
    assert command("check")[::2] == (
        2,
        "error: tenure-client.toml: sever is no setting, or its value is no text\n",
    )
    (tmp_path / "tenure-client.toml").write_text("product = 'cad'\n")
    assert command("check")[2].splitlines()[1] == "hint: give --server, or write server into tenure-client.toml"


def test_every_error_has_its_own_exit_status() -> None:
    def kinds(kind: type[TenureClientError]) -> list[type[TenureClientError]]:
        return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]

    covered = tuple(kind for kind, _ in EXIT_STATUSES)
    assert [kind for kind in kinds(TenureClientError)[1:] if not issubclass(kind, covered)] == []


def test_the_module_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "tenure_client", "--help"], capture_output=True, text=True, check=True)
    assert "licence" in done.stdout


def on_a_terminal(draw: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal gets to see on standard error, to the last byte: it arrives in pieces."""
    terminal, stderr = pty.openpty()
    with os.fdopen(stderr, "w") as file:
        monkeypatch.setattr("sys.stderr", file)
        draw()
    seen = b""
    with suppress(OSError):  # how Linux says that the other side is closed
        while piece := os.read(terminal, 65_536):
            seen += piece
    os.close(terminal)
    return seen.decode()


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("with_rich", [False, True])
def test_a_terminal_gets_a_progress_bar_with_or_without_rich(monkeypatch: pytest.MonkeyPatch, with_rich: bool) -> None:
    if with_rich:
        if importlib.util.find_spec("rich") is None:
            leave_out_optional("Rich's progress bar", "pip install 'tenure-client[rich]'")
    else:
        for name in ("rich", "rich.console", "rich.progress"):
            monkeypatch.setitem(sys.modules, name, None)

    def draw() -> None:
        with progress_shown("cad 2.6.0") as on_progress:
            assert on_progress is not None
            for done in range(0, 1_001, 100):
                on_progress(done, 1_000)

    seen = on_a_terminal(draw, monkeypatch)
    assert "cad 2.6.0" in seen
    assert with_rich or "100%" in seen


def test_who_is_no_terminal_gets_no_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("cad") as on_progress:
        assert on_progress is None
    assert capsys.readouterr().err == ""


def test_a_bar_of_nothing_is_full(capsys: pytest.CaptureFixture[str]) -> None:
    bar = PlainBar("empty")
    bar(0, 0)
    bar.finish()
    assert "100%" in capsys.readouterr().err
