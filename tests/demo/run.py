"""``make demo``: an installed product updates itself within its support period, told on the terminal.

Everything is real: the commands, the server, its requests, the signatures, the product that replaces itself. Only the
day is set, by a clock that this demonstration brings along. Exit status 0 means that each step did what it says.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tenure_server.cli.context import CommandContext  # noqa: E402
from tenure_server.cli.main import main as tenure_main  # noqa: E402
from tests.demo.bypass import gate_bypassed  # noqa: E402
from tests.demo.clock import DemoClock  # noqa: E402
from tests.demo.product import VERSIONS, build  # noqa: E402

SECONDS_TO_START = 20.0
SECONDS_TO_SEE = 1.0  # within which every process sees what another one published
_ACCESS = re.compile(r'"(?P<request>[A-Z]+ \S+) HTTP/[\d.]+" (?P<status>\d+)')


class StepFailed(Exception):
    """A step did not do what the story says."""


@dataclass
class Server:
    """The server's process, its address, and the requests in its log."""

    process: subprocess.Popen[str]
    url: str = ""
    requests: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip())
            if match := re.search(r"serves on (\S+)", line):
                self.url = match[1]
            elif match := _ACCESS.search(line):
                self.requests.append(f"{match['request']}  ->  {match['status']}")

    def requests_since_last_asked(self) -> list[str]:
        time.sleep(0.05)  # the log is written after the answer
        told, self.requests[:] = list(self.requests), []
        return told


class Story:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "tenure-data"
        self.clock = DemoClock(folder / "today")
        self.customer = folder / "customer"
        self.server: Server | None = None
        self.step = 0

    # Telling

    def chapter(self, title: str) -> None:
        self.step += 1
        print(f"\n{self.step}. {title}\n")

    def say(self, text: str) -> None:
        print(textwrap.fill(text, 100, initial_indent="   ", subsequent_indent="   "))

    def show(self, text: str) -> None:
        for line in text.rstrip().replace(str(self.folder), "…").splitlines():
            shown = line if len(line) <= 125 else f"{line[:100]}…{line[-24:]}"  # a request's status is at its end
            print(f"     {shown}")
        print()

    def day(self, day: date, why: str) -> None:
        self.clock.turn_to(day)
        self.say(f"[the clock says {day}: {why}]")
        print()

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            raise StepFailed(what)
        print(f"   ✓ {what}")

    # Doing

    def tenure(self, *arguments: str, expect: int = 0, quiet: bool = False) -> str:
        """Run a command as the operator or the engineer would; its output."""
        self.show("$ tenure " + " ".join(f'"{a}"' if " " in a else a for a in arguments if a != "--json"))
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = tenure_main(["--data-dir", str(self.data), *arguments], CommandContext(clock=self.clock))
        if not quiet:
            self.show(out.getvalue() + errors.getvalue())
        if code != expect:
            raise StepFailed(f"tenure {arguments[0]} ended with {code}: {errors.getvalue().strip()}")
        return out.getvalue() + errors.getvalue()

    def sketch(self, *arguments: str, expect: int = 0, server: str | None = None, stdin: str = "") -> str:
        """Run the installed product as the customer would; its output and the requests it made."""
        assert self.server is not None
        self.show("$ ./sketch.pyz " + " ".join(arguments))
        done = subprocess.run(
            [sys.executable, str(self.customer / "sketch.pyz"), *arguments],
            env={
                **os.environ,
                "SKETCH_SERVER": server or self.server.url,
                "SKETCH_CLOCK": str(self.folder / "today"),
                "PYTHONIOENCODING": "utf-8",
            },
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        requests = "".join(f"{request}\n" for request in self.server.requests_since_last_asked())
        self.show(requests + done.stdout + done.stderr)
        if done.returncode != expect:
            raise StepFailed(f"sketch {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def publish(self, number: str) -> None:
        version = next(v for v in VERSIONS if v.number == number)
        file = build(version, (self.data / "root.json").read_bytes(), self.folder)
        self.tenure(
            "publish",
            str(file),
            "--product",
            "sketch",
            "--version",
            number,
            "--platform",
            "any",
            "--notes",
            version.notes,
        )
        time.sleep(SECONDS_TO_SEE)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        command = [sys.executable, str(CHECKOUT / "tests" / "demo" / "serve.py")]
        process = subprocess.Popen(
            [*command, str(self.folder / "today"), str(self.data)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.server = Server(process)
        reader = threading.Thread(target=self.server.read_log)
        reader.start()
        try:
            self._wait_for(self.server)
            yield
        finally:
            process.terminate()
            process.wait(15)
            reader.join()

    def _wait_for(self, server: Server) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not server.url:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise StepFailed("the server did not start:\n" + "\n".join(server.log))
            time.sleep(0.02)


def tell(story: Story, purchase: date) -> None:
    """The story itself. ``purchase`` lies far enough back that its last day is in the past."""
    support_ends = purchase.replace(year=purchase.year + 1) - timedelta(days=1)

    story.chapter("The vendor sets up a server and a product")
    story.day(purchase - timedelta(days=30), "a month before the first sale")
    story.tenure("init")
    story.tenure("product", "add", "sketch", "--edition", "home", "--title", "Sketch")
    story.publish("1.0.0")

    story.chapter("A customer buys it, with one year of support and maintenance (SMP)")
    story.day(purchase, "the day of the purchase")
    sold = story.tenure(
        *("licence", "issue", "--product", "sketch", "--edition", "home", "--customer", "Ada", "--price", "100.00"),
        *("--currency", "EUR", "--smp-years", "1", "--json"),
        quiet=True,
    )
    licence = json.loads(sold)
    licence_id, key = str(licence["licence_id"]), str(licence["key"])
    story.tenure("licence", "show", licence_id)
    story.require(licence["periods"][0]["ends_on"] == support_ends.isoformat(), f"support runs until {support_ends}")
    story.customer.mkdir()
    (story.customer / "sketch.pyz").write_bytes((story.folder / "sketch-1.0.0.pyz").read_bytes())

    with story.serving():
        story.say("The customer installs 1.0.0 and pastes the licence key.")
        story.sketch("licence", stdin=key)
        story.sketch("draw", "hello")
        story.require("up_to_date" in story.sketch("check"), "1.0.0 is up to date")

        story.chapter("A release within the support period arrives by itself")
        story.day(purchase + timedelta(days=120), "four months later")
        story.publish("1.1.0")
        drawn = story.sketch("update")
        story.require("(sketch 1.1.0)" in drawn, "the product replaced itself and runs as 1.1.0")

        story.chapter("A release after the end does not")
        after = support_ends + timedelta(days=20)
        story.day(after, "three weeks after support ended")
        story.publish("2.0.0")
        answer = story.sketch("check")
        story.require(
            "update_not_covered" in answer and "after_support" in answer, "the server says why, and offers none"
        )
        refused = story.sketch("install", "2.0.0", expect=1)
        story.require("NotCovered" in refused, "asking for it by name is refused")
        status, code = refused_by_the_gate(story, key)
        story.require(
            (status, code) == (403, "after_support"), f"the server's gate answers {status} {code} without the SDK"
        )

        story.say("Now the gate is bypassed: another server hands out every file and claims all is covered.")
        print()
        assert story.server is not None
        with gate_bypassed(story.server.url, story.data / "store", forged_answer()) as bypass:
            told = story.sketch("update", server=bypass, expect=1)
            story.require("error: " in told, "the product believes what was signed, not the server")
            told = story.sketch("install", "2.0.0", server=bypass, expect=1)
            story.require("NotCovered" in told, "the SDK refuses the file although the bytes are there for the taking")
        story.require("(sketch 1.1.0)" in story.sketch("draw", "still"), "1.1.0 stays and works, for ever")
        story.tenure("licence", "renew", licence_id, "--years", "1", expect=1)
        story.require(True, "renewing after the end is refused as lapsed: this vendor says contact sales")

        story.chapter("The same with a renewal in its window")
        story.day(support_ends - timedelta(days=60), "the clock is turned back to two months before the end")
        story.tenure("licence", "renew", licence_id, "--years", "1")
        story.day(after, "and forward again")
        drawn = story.sketch("update")
        story.require("(sketch 2.0.0)" in drawn, "the release arrives, and the product runs as 2.0.0")
        story.require("up_to_date" in story.sketch("check"), "2.0.0 is up to date")


def forged_answer() -> dict[str, object]:
    """What a broken server would say: the uncovered release is offered."""
    build_of_2 = {"file_name": "sketch-2.0.0.pyz", "os": "any", "arch": "any", "path": "sketch/2.0.0/sketch-2.0.0.pyz"}
    return {
        "status": "update_available",
        "offer": {
            "version": "2.0.0",
            "kind": "major",
            "released_on": "2000-01-01",
            "channel": "stable",
            "reason": "support_period",
            "downgrade": False,
            "more_steps_follow": False,
            "last_step": None,
            "notes": "Yours for free.",
            "builds": [{**build_of_2, "length": 1, "sha256": "0" * 64, "url": "http://127.0.0.1/x"}],
        },
    }


def refused_by_the_gate(story: Story, key: str) -> tuple[int, str]:
    """What the server says to somebody who asks for the file without the SDK."""
    import urllib3

    assert story.server is not None
    url = f"{story.server.url}/downloads/sketch/2.0.0/sketch-2.0.0.pyz"
    answer = urllib3.request("GET", url, headers={"Authorization": f"License {key}"}, redirect=False)
    story.show("".join(f"{line}\n" for line in story.server.requests_since_last_asked()) + answer.data.decode())
    return answer.status, str(answer.json().get("code"))


def main(_arguments: Sequence[str] = ()) -> int:
    began = time.monotonic()
    for variable in [name for name in os.environ if name.startswith("TENURE_")]:
        del os.environ[variable]  # the demonstration is the same for everybody
    with tempfile.TemporaryDirectory(prefix="tenure-demo-") as folder:
        passphrase = Path(folder) / "passphrase"
        passphrase.write_text(secrets.token_urlsafe(24))
        os.environ["TENURE_PASSPHRASE_FILE"] = str(passphrase)
        os.environ["TENURE_ACTOR"] = "demo"
        story = Story(Path(folder))
        try:
            tell(story, (date.today() - timedelta(days=450)).replace(day=15))
        except StepFailed as failure:
            print(f"\n   ✗ {failure}", file=sys.stderr)
            return 1
    print(f"\nAll of it happened as told, in {time.monotonic() - began:.0f} seconds. Nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
