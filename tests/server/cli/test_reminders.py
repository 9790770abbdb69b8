"""``tenure reminders`` as operators use it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.server.cli.at_the_terminal import Operator
from tests.services.mail_server import running_mail_server


def sold(operator: Operator) -> str:
    """A licence whose support ends in 14 days."""
    issued = operator.issue("--email", "ada@example.com", "--smp-years", "1", "--purchased-on", "2025-12-08")
    licence: str = issued["licence_id"]
    return licence


def test_a_dry_run_shows_who_would_get_what(operator: Operator) -> None:
    licence = sold(operator)
    shown = operator.did("reminders", "--dry-run").out
    assert licence in shown
    assert "ada@example.com" in shown
    assert "14 days before" in shown
    (due,) = operator.did("reminders", "--dry-run", "--json").json
    assert (due["days_before"], due["ends_on"], due["language"]) == (14, "2026-12-07", "en")
    assert operator.audit_trail(licence) == ["licence.issue"]


def test_the_mail_can_be_read_before_it_goes_out(operator: Operator) -> None:
    licence = sold(operator)
    shown = operator.did("reminders", "show", licence, "--language", "de")
    assert "Letzte Erinnerung" in shown.err
    assert "7. Dezember 2026" in shown.out
    assert "<html" in operator.did("reminders", "show", licence, "--html").out
    assert operator.did("reminders", "show", licence, "--json").json["subject"].startswith("Last call")


def test_reminders_go_out_by_hand_and_once(operator: Operator, tmp_path: Path) -> None:
    licence = sold(operator)
    with running_mail_server() as server:
        settings = {
            "TENURE_SMTP_HOST": "127.0.0.1",
            "TENURE_SMTP_PORT": str(server.port),
            "TENURE_SMTP_SECURITY": "loopback",
            "TENURE_SMTP_FROM": "sales@example.com",
        }
        assert "Sent 1 reminder" in operator.did("reminders", "send", **settings).out
        assert operator.did("reminders", "send", "--json", **settings).json == {"sent": 0}
    assert server.recipients == ["ada@example.com"]
    assert operator.audit_trail(licence) == ["reminder.sent", "licence.issue"]


def test_without_a_mail_server_sending_is_refused(operator: Operator) -> None:
    ran = operator.run("reminders", "send")
    assert ran.error == "there is no mail server"
    assert "TENURE_SMTP_HOST" in ran.hint
    assert operator.run("reminders").code == 2


def test_a_customer_who_calls_gets_no_more_reminders(operator: Operator) -> None:
    licence = sold(operator)
    operator.did("reminders", "stop", licence)
    assert "Nothing is due" in operator.did("reminders", "--dry-run").out
    operator.did("reminders", "resume", licence)
    operator.today = date(2026, 11, 24)
    assert licence in operator.did("reminders", "--dry-run").out
    assert operator.audit_trail(licence) == ["reminder.opted_in", "reminder.opted_out", "licence.issue"]
