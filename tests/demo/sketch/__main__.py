"""Sketch: draws text in a box. A small product that keeps itself up to date with tenure-client.

``sketch draw TEXT``, ``sketch licence`` (reads the key from standard input), ``sketch check``, ``sketch update``.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from drawing import VERSION, draw  # type: ignore[import-not-found]

from tenure_client import Client, TenureClientError, UpdateAnswer

OWN_FILE = Path(sys.argv[0]).resolve()


def client() -> Client:
    root = pkgutil.get_data("drawing", "root.json")
    assert root is not None
    return Client.open(
        root=root,
        server_url=os.environ["SKETCH_SERVER"],
        product="sketch",
        version=VERSION,
        state_directory=OWN_FILE.parent / "state",
        platform="linux-x86_64",
        clock=demonstrated_time,
    )


def demonstrated_time() -> datetime:
    """Noon of the day in the demonstration's clock. A real product leaves the clock alone."""
    return datetime.fromisoformat(Path(os.environ["SKETCH_CLOCK"]).read_text() + "T12:00+00:00")


def check() -> None:
    tell(client().check(manual=True))


def update() -> None:
    """Download the offered release, put it in place of this file, and go on as the new version."""
    ours = client()
    answer = ours.check(manual=True)
    tell(answer)
    if answer.offer is not None:
        install(ours, str(answer.offer.version))


def install(ours: Client, version: str) -> None:
    with tempfile.TemporaryDirectory(dir=OWN_FILE.parent) as folder:
        new = ours.download_release(version, folder)
        print(f"downloaded {new.name}: signature, length, SHA-256 and coverage are right")
        new.chmod(0o755)
        new.replace(OWN_FILE)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(OWN_FILE), "draw", "updated"])


def tell(answer: UpdateAnswer) -> None:
    print(f"installed {VERSION}: {answer.status}")
    if answer.offer is not None:
        offer = answer.offer
        print(f"offered   {offer.version} of {offer.released_on}, covered by {offer.reason}: {offer.notes}")
    newest = answer.newest
    if newest is not None and not newest.is_covered:
        print(f"newest    {newest.version} of {newest.released_on}, not covered: {newest.reason}")
    support = answer.support
    print(f"support   until {support.last_covered_day}, {support.days_left} days left")
    renewal = answer.renewal
    if renewal is not None and renewal.can_be_ordered:
        for option in renewal.options:
            price = f"{option.price.minor_units / 100:.2f} {option.price.currency}"
            print(f"renewal   {option.years} year(s) to {option.period.ends_on} for {price}, until {renewal.closes_on}")


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["draw", text]:
                print(draw(text))
            case ["licence"]:
                licence = client().set_licence_key(sys.stdin.read())
                print(f"licensed  {licence.product} {licence.edition}, {licence.seats} seat, key {licence.hint}")
            case ["check"]:
                check()
            case ["update"]:
                update()
            case ["install", version]:
                install(client(), version)
            case _:
                print(__doc__)
                return 2
    except TenureClientError as error:
        print(f"error: {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
