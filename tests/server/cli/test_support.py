"""``tenure support``: the queue as an operator works through it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.server.cli.at_the_terminal import Operator

CALL = ("support", "open", "--category", "bug_report", "--subject", "Walls vanish")


def anker(operator: Operator, *more: str) -> str:
    licence: str = operator.issue("--email", "ada@anker.example", "--smp-years", "2", *more)["licence_id"]
    return licence


def test_the_queue_shows_at_a_glance_who_is_in_smp_on_which_plan_and_on_which_version(operator: Operator) -> None:
    operator.publish("4.1")
    licence = anker(operator)
    operator.today = date(2027, 3, 1)
    operator.publish("5.0", "--released-on", "2027-03-01")
    never = operator.issue()["licence_id"]
    operator.did(*CALL[:-1], "Slow", "--licence", never)
    operator.did(*CALL, "--licence", licence, "--priority", "high", "--installed", "4.1", "--assignee", "mei")
    head, first, second = operator.did("support", "list").out.splitlines()
    assert head.split("  ")[0] == "REQUEST"
    assert first == (
        "R-1002   2027-03-01 16:00  high incident  Ada Tan   2y until 2028-11-22  4.1  5.0               new, mei"
        "  bug report: Walls vanish"
    )
    assert "never                ?" in second
    operator.today = date(2027, 3, 3)
    assert "OVERDUE 2027-03-01 16:00" in operator.did("support", "list").out
    operator.today = date(2029, 1, 2)
    operator.publish("6.0", "--released-on", "2029-01-02")
    assert "LAPSED 2028-11-22  4.1  5.0 (6.0)" in operator.did("support", "list").out


def test_a_request_is_answered_noted_heard_again_closed_and_reopened(operator: Operator) -> None:
    opened = operator.did(*CALL, "--licence", anker(operator), "--message", "Since the update.").out
    assert "terms      SMP, two-year plan until 2028-11-22: answered within 8 working hours, incidents" in opened
    assert "Since the update." in opened
    answered = operator.did("support", "reply", "R-1001", "--message", "Send the drawing.").out
    assert answered == ("R-1001 is answered and now waiting_for_customer. A mail to ada@anker.example is queued.\n")
    operator.did("support", "note", "R-1001", "--message", "known since 5.0")
    operator.did("support", "heard", "r-1001", "--message", "Here it is.", "--name", "Ben")
    shown = operator.did("support", "show", "R-1001")
    assert "Aminah, mail to ada@anker.example NOT SENT YET\n    Send the drawing." in shown.out
    assert "NOTE, internal" in shown.out
    assert "Ben\n    Here it is." in shown.out
    reply = operator.did("support", "reply", "R-1001", "--by-telephone", "--status", "resolved", "--message", "Fixed")
    assert "now resolved. No mail goes out." in reply.out
    assert operator.did("support", "close", "R-1001").out == "R-1001 is closed.\n"
    assert operator.did("support", "list").out == "No request waits: the queue is empty.\n"
    assert "tenure support reopen R-1001" in operator.run("support", "reply", "R-1001", "--message", "x").hint
    assert operator.did("support", "reopen", "R-1001", "--json").json["status"] == "open"
    assert operator.audit_trail(operator.did("support", "show", "R-1001", "--json").json["request_id"]) == [
        "request.reopened", "request.closed", "request.replied", "request.received", "request.changed",
        "request.replied", "request.opened",
    ]  # fmt: skip


def test_words_come_from_a_file_or_standard_input_and_from_one_of_them_only(operator: Operator, tmp_path: Path) -> None:
    licence = anker(operator)
    (tmp_path / "words.txt").write_text("Grüße\nfrom a file\n")
    opened = operator.did(*CALL, "--licence", licence, "--message-file", tmp_path / "words.txt", "--json").json
    assert opened["thread"][0]["body"] == "Grüße\nfrom a file"
    assert operator.run("support", "note", "R-1001").code == 2
    both = ("--message", "x", "--message-file", str(tmp_path / "words.txt"))
    assert operator.run("support", "note", "R-1001", *both).code == 2
    piped = operator.really("support", "note", "R-1001", "--message-file", "-", "--json", stdin="from a pipe")
    assert piped.json["revision"] == 2


def test_a_request_is_changed_and_whoever_saw_an_older_state_is_told(operator: Operator) -> None:
    operator.did(*CALL, "--licence", anker(operator))
    changed = operator.did(
        "support", "change", "R-1001", "--priority", "urgent", "--assignee", "mei", "--phone", "+60 3", "--json"
    ).json
    assert (changed["is_priority_incident"], changed["assignee"], changed["contact"]["phone"]) == (True, "mei", "+60 3")
    assert "show R-1001" in operator.run("support", "close", "R-1001", "--revision", "1").hint
    assert operator.run("support", "change", "R-1001").code == 2
    consulting = operator.did("support", "change", "R-1001", "--category", "consulting", "--json").json
    assert consulting["status"] == "referred_to_sales"


def test_the_queue_is_filtered_and_read_page_by_page(operator: Operator) -> None:
    licence = anker(operator)
    for subject, priority in (("One", "urgent"), ("Two", "normal"), ("Three", "normal")):
        operator.did(*CALL[:-1], subject, "--licence", licence, "--priority", priority)
    operator.did("support", "change", "R-1002", "--assignee", "mei")
    operator.did("support", "close", "R-1003")

    def numbers(*options: str) -> list[str]:
        return [one["number"] for one in operator.did("support", "list", *options, "--json").json["requests"]]

    assert numbers() == ["R-1001", "R-1002"]
    assert numbers("--all") == ["R-1001", "R-1002", "R-1003"]
    assert numbers("--status", "closed") == ["R-1003"]
    assert numbers("--assignee", "mei") == numbers("two") == numbers("1002") == ["R-1002"]
    assert numbers("--unassigned", "ada@anker.example") == ["R-1001"]
    assert numbers("--category", "consulting") == numbers("--product", "cam") == numbers("nobody") == []
    first = operator.did("support", "list", "--limit", "1", "--json").json
    assert numbers("--cursor", first["next_cursor"]) == ["R-1002"]
    assert first["next_cursor"] in operator.did("support", "list", "--limit", "1").err
    for wrong in (("--cursor", "x"), ("--all", "--status", "new"), ("--unassigned", "--assignee", "mei")):
        assert operator.run("support", "list", *wrong).code == 2


def test_a_caller_is_recognised_by_name_order_number_key_characters_or_request(operator: Operator) -> None:
    licence = operator.issue("--email", "ada@anker.example", "--smp-years", "1", "--reference", "PO 4711")
    operator.did(*CALL, "--licence", licence["licence_id"], "--priority", "urgent")
    for said in (("ada",), ("ada@anker.example",), ("4711",), (licence["key"][-6:],), ("R-1001",), ("ada", "tan")):
        (found,) = operator.did("support", "caller", "--json", "--", *said).json
        assert (found["licence"]["smp"], found["licence"]["plan_years"]) == ("in_smp", 1), said
        assert [one["number"] for one in found["requests"]] == ["R-1001"]
    text = operator.did("support", "caller", "ada").out
    assert "SMP today  in SMP until 2027-11-22, one-year plan" in text
    assert "R-1001  new, urgent incident, due 2026-11-23 16:00: Walls vanish" in text
    operator.did("customer", "add", "--name", "Only Asking")
    assert "licence   none" in operator.did("support", "caller", "asking").out
    assert operator.did("support", "caller", "nobody").out == "Nobody is found by these words.\n"


def test_a_blind_repeat_of_a_call_finds_the_request_that_was_opened(operator: Operator) -> None:
    licence = anker(operator)
    ask = (*CALL, "--licence", licence, "--reference", "call 7", "--json")
    assert operator.did(*ask).json["number"] == operator.did(*ask).json["number"] == "R-1001"
    reply = ("support", "reply", "R-1001", "--message", "Yes", "--reference", "answer 7", "--json")
    assert operator.did(*reply).json["message_id"] == operator.did(*reply).json["message_id"]


def test_free_support_is_sold_until_a_day_and_shown_to_whoever_answers_the_telephone(operator: Operator) -> None:
    customer = operator.did("customer", "add", "--name", "Ben", "--json").json["customer_id"]
    sale = ("--customer-id", customer, "--product", "cad", "--edition", "pro", "--price", "10")
    quote = operator.did("quote", "create", *sale, "--free-support-until", "2026-12-31", "--json").json
    assert "free support until  2026-12-31, inclusive" in operator.did("quote", "show", quote["quote"]).out
    order = operator.did("quote", "accept", quote["quote"], "--json").json
    assert order["free_support_until"] == "2026-12-31"
    operator.did("order", "pay", order["order"])
    assert "free support  until 2026-12-31, inclusive" in operator.did("support", "caller", "ben").out
    (found,) = operator.did("support", "caller", "ben", "--json").json
    opened = operator.did(*CALL, "--licence", found["licence"]["licence_id"]).out
    assert "free support as quoted until 2026-12-31: answered within 16 working hours" in opened
    assert operator.run("order", "create", *sale, "--free-support-until", "2026-11-22").error
    assert operator.run("order", "create", *sale, "--free-support-until", "soon").code == 2


def test_who_asks_without_licence_or_customer_is_told_how_to_find_them(operator: Operator) -> None:
    assert "tenure support caller" in operator.run(*CALL).hint
    assert operator.run("support", "show", "R-7").error == "there is no such support request"
    assert operator.run(*CALL, "--customer-id", "c-1", "--email", "a@b.example").code == 2
