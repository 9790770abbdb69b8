"""From a customer's report to the mail that says the fix is there: real commands, a real server, real SMTP."""

from __future__ import annotations

import time
from pathlib import Path

from tests.end_to_end.shop import MACHINE, days_ago, open_shop
from tests.services.mail_server import running_mail_server

PATIENCE_SECONDS = 60


def test_the_fix_is_told_to_who_reported_it_covered_or_not(tmp_path: Path) -> None:
    with running_mail_server() as mail:
        settings = {
            "TENURE_SMTP_HOST": "127.0.0.1",
            "TENURE_SMTP_PORT": str(mail.port),
            "TENURE_SMTP_SECURITY": "loopback",
            "TENURE_SMTP_FROM": "Harbour <support@harbour.example>",
        }
        with open_shop(tmp_path, settings) as shop:
            did = shop.operator.did
            covered = shop.sell(days_ago(30), "--smp-years", "1", "--email", "ada@example.com")
            lapsed = shop.sell(days_ago(900), "--smp-years", "1", "--email", "ben@example.com", customer="Ben Lim")
            request = did(
                *("support", "open", "--licence", covered["licence_id"], "--category", "bug_report"),
                *("--subject", "Walls vanish", "--message", "All of them.", "--json"),
            ).json
            did("problems", "from-request", request["number"], "--title", "Walls vanish when a drawing is saved")
            late = ("problems", "report", "--licence", lapsed["licence_id"], "--title", "Walls vanish")
            assert "support was over" in shop.operator.run(*late).err
            did(*late, "--exception", "it loses data")
            did("problems", "duplicate", "P-2", "--of", "P-1")
            did("problems", "reproduce", "P-1", "--material")
            build = shop.operator.build(f"cad-4.2.1-{MACHINE}.tar.gz", b"a fix")
            publish = ("publish", build, "--product", "cad", "--version", "4.2.1", "--platform", MACHINE)
            assert "no problem P-9 of cad" in shop.operator.run(*publish, "--fixes", "P-9").err
            did(*publish, "--fixes", "P-1")
            did(*publish, "--fixes", "P-1")
            until = time.monotonic() + PATIENCE_SECONDS
            while len(mail.received) < 2 and time.monotonic() < until:
                time.sleep(0.2)
            assert did("problems", "show", "P-1", "--json").json["fix"]["version"] == "4.2.1"
            said = {str(one["To"]): one for one in mail.received}
            assert set(said) == {"ada@example.com", "ben@example.com"}
            texts = {}
            for address, one in said.items():
                body = one.get_body(("plain",))
                assert body is not None
                texts[address] = body.get_content()
            assert "Your licence covers this release" in texts["ada@example.com"]
            assert "Your licence does not cover this release" in texts["ben@example.com"]
            assert str(said["ada@example.com"]["Subject"]).startswith(f"[{request['number']}]")
            assert "P-1" in did("releases").out
