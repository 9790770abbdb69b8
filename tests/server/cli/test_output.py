"""What a person at a terminal sees, and what a program at the other end of a pipe reads."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from dataclasses import dataclass

from tests.server.cli.at_the_terminal import PASSPHRASE, PROGRAM, Operator

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    """The program at a terminal of 100 columns that it has to itself."""

    screen: int
    process: subprocess.Popen[bytes]
    seen: str = ""

    def wait_for(self, text: str) -> None:
        give_up_at = time.monotonic() + 30
        while text not in self.seen:
            assert time.monotonic() < give_up_at, self.seen
            self._read()

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode() + b"\n")

    def end(self) -> int:
        """The exit code; all that was shown is in ``seen``, without colours and movements."""
        while self._read():
            pass
        os.close(self.screen)
        code = self.process.wait(30)
        self.seen = ESCAPES.sub("", self.seen)
        return code

    def _read(self) -> bool:
        ready, _, _ = select.select([self.screen], [], [], 30)
        assert ready, self.seen
        try:
            piece = os.read(self.screen, 65_536)
        except OSError:  # Linux says so when the last program has closed its side
            return False
        self.seen += piece.decode(errors="replace")
        return bool(piece)


def at_a_terminal(operator: Operator, *arguments: object, **settings: str | None) -> Terminal:
    screen, side_of_the_program = pty.openpty()
    environment = operator.environment | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    for name, value in settings.items():
        environment.pop(name) if value is None else environment.update({name: value})
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        env=environment,
        stdin=side_of_the_program,
        stdout=side_of_the_program,
        stderr=side_of_the_program,
        start_new_session=True,
    )
    os.close(side_of_the_program)
    return Terminal(screen, process)


PUBLISH = ("--product", "cad", "--version", "1.0", "--platform", "any")


def test_publishing_at_a_terminal_shows_how_far_it_is_and_then_the_result_alone(operator: Operator) -> None:
    build = operator.build("cad.zip", os.urandom(8_000_000))
    terminal = at_a_terminal(operator, "publish", build, *PUBLISH, "--yes")
    assert terminal.end() == 0
    assert "publishing" in terminal.seen
    assert "16.0 MB" in terminal.seen  # read once, stored once
    assert re.search(r"[MG]B/s", terminal.seen)
    assert terminal.seen.rstrip().endswith("cad.zip  8000000 bytes") or "Published cad 1.0." in terminal.seen


def test_in_a_pipe_there_is_no_bar_and_no_colour(operator: Operator) -> None:
    build = operator.build("cad.zip", os.urandom(8_000_000))
    published = operator.really("publish", build, *PUBLISH)
    assert published.err == ""
    assert "\x1b" not in published.out
    assert published.out.startswith("Published cad 1.0.\n")


def test_the_passphrase_is_asked_for_at_a_terminal_twice_when_it_is_new_and_never_shown(newcomer: Operator) -> None:
    terminal = at_a_terminal(newcomer, "init", TENURE_PASSPHRASE_FILE=None)
    terminal.wait_for("(15 characters or more): ")
    terminal.type(PASSPHRASE)
    terminal.wait_for("The same once more: ")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    assert PASSPHRASE not in terminal.seen
    terminal = at_a_terminal(newcomer, "product", "add", "cad", "--edition", "pro", TENURE_PASSPHRASE_FILE=None)
    terminal.wait_for("Passphrase for ")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    assert "once more" not in terminal.seen


def test_two_new_passphrases_that_differ_make_no_key(newcomer: Operator) -> None:
    terminal = at_a_terminal(newcomer, "init", TENURE_PASSPHRASE_FILE=None)
    terminal.wait_for(": ")
    terminal.type(PASSPHRASE)
    terminal.wait_for("once more: ")
    terminal.type(PASSPHRASE + "r")
    assert terminal.end() == 1
    assert "error: the two passphrases differ" in terminal.seen
    assert not list(newcomer.data_dir.rglob("*.pem"))


def test_control_d_at_the_question_ends_the_command(operator: Operator) -> None:
    terminal = at_a_terminal(operator, "publish", operator.build("cad.zip"), *PUBLISH, TENURE_PASSPHRASE_FILE=None)
    terminal.wait_for(": ")
    os.write(terminal.screen, b"\x04")
    assert terminal.end() == 130
    assert "error: interrupted" in terminal.seen
    assert "Traceback" not in terminal.seen


def test_a_passphrase_may_come_from_the_environment(operator: Operator) -> None:
    build = operator.build("cad.zip")
    operator.did("publish", build, *PUBLISH, TENURE_PASSPHRASE_FILE=None, TENURE_PASSPHRASE=PASSPHRASE)


def test_the_end_of_a_line_in_the_passphrase_file_is_no_part_of_it(operator: Operator) -> None:
    build = operator.build("cad.zip")
    for end in ("", "\n", "\r\n"):
        operator.passphrase_file.write_bytes((PASSPHRASE + end).encode())
        operator.did("publish", build, *PUBLISH)


def test_a_long_name_is_never_broken_in_a_pipe(operator: Operator) -> None:
    customer = "Aminah " * 28
    operator.did(
        *("licence", "issue", "--product", "cad", "--edition", "pro", "--price", "1", "--customer", customer.strip())
    )
    assert customer.strip() in operator.did("licence", "list").out
    assert all(line == line.rstrip() for line in operator.did("licence", "list").out.splitlines())


def test_what_somebody_else_wrote_does_not_steer_the_terminal(operator: Operator) -> None:
    escapes = "bad\x1b]0;owned\x07\x1b[2J"
    operator.did("product", "add", "cam", "--edition", "std", "--title", escapes)
    for command in (("product", "list"), ("product", "list", "--json")):
        assert "\x1b" not in operator.did(*command).out
    assert "\x1b" not in operator.run("licence", "show", escapes).err
    assert "\x1b" not in operator.run("releases", "--product", escapes).err
    licence = operator.issue()["licence_id"]
    assert "reason" in operator.run("licence", "suspend", licence, "--reason", escapes).error


def test_json_is_one_document_in_the_letters_of_its_language(operator: Operator) -> None:
    operator.did("product", "add", "cam", "--edition", "std", "--title", "Schöne Möbel 家具")
    listed = operator.did("product", "list", "--json")
    assert "Schöne Möbel 家具" in listed.out
    assert listed.json[1]["title"] == "Schöne Möbel 家具"


def _is_group(operator: Operator, name: str) -> bool:
    return "COMMAND [ARGS]" in operator.did(name, "--help").out


def test_every_help_text_fits_a_terminal_and_every_command_has_one(operator: Operator) -> None:
    names = re.findall(r"^  ([a-z]+)  ", operator.did("--help").out.partition("Commands:")[2], re.M)
    groups: list[tuple[str, ...]] = [(), *((name,) for name in names if _is_group(operator, name))]
    single = [(name,) for name in names if (name,) not in groups]
    in_groups = [
        (*group, name)
        for group in groups[1:]
        for name in re.findall(r"^  ([a-z]+)  ", operator.did(*group, "--help").out.partition("Commands:")[2], re.M)
    ]
    for command in (*groups, *single, *in_groups):
        text = operator.did(*command, "--help").out
        assert text.startswith(f"Usage: tenure {' '.join(command)}".rstrip())
        assert "..." not in text.partition("Commands:")[2], "a summary was cut off"
        assert all(len(line) <= 80 for line in text.splitlines())
