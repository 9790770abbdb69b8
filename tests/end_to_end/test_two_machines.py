"""Several machines: what one of them does holds on all workers of all of them within a second, and is done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from tests.end_to_end.proxy import running_proxy
from tests.end_to_end.shop import days_ago
from tests.end_to_end.two_machines import TwoMachines, Worker, one_more, running_machines
from tests.server.cli.at_the_terminal import Operator
from tests.server.world import license_header
from tests.services.postgres import PostgresServer
from tests.services.swift import S3Server
from tests.services.webhook_receiver import running_receiver

MACHINE = "linux-x86_64"
INSTALL = "an-installed-copy"
PATIENCE_SECONDS = 60.0
SEAT_OF, ANOTHER_SEAT_OF = "a" * 64, "b" * 64

pytestmark = [pytest.mark.postgres, pytest.mark.swift]


@pytest.fixture(scope="module")
def machines(
    postgres_server: PostgresServer, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoMachines]:
    """1.0 is published."""
    settings = {
        "TENURE_DATABASE_URL": postgres_server.new_database(),
        "TENURE_S3_BUCKET": s3_server.new_bucket(),
        "TENURE_S3_ENDPOINT_URL": s3_server.endpoint_url,
        "TENURE_S3_ACCESS_KEY_ID": s3_server.access_key,
        "TENURE_S3_SECRET_ACCESS_KEY": s3_server.secret_key,
    }
    with running_machines(tmp_path_factory.mktemp("machines"), settings) as machines:
        operator = machines.one.operator
        operator.did("product", "add", "cad", "--edition", "pro")
        publish(operator, "1.0", days=100)
        yield machines
        print(f"\nseconds until the last worker showed it: {machines.seconds}")


def publish(operator: Operator, version: str, *options: str, days: int) -> None:
    file = operator.build(f"cad-{version}-{MACHINE}.tar.gz")
    operator.did(
        *("publish", file, "--product", "cad", "--version", version, "--platform", MACHINE, "--edition", "pro"),
        *("--released-on", days_ago(days), *options),
    )


def offered(key: str, version: str = "0.9") -> Callable[[Worker], str | None]:
    """What a worker offers to a copy of that version; None for nothing."""
    path = f"/v1/update-check?product=cad&version={version}&os=linux&arch=x86_64&install_id={INSTALL}"

    def ask(worker: Worker) -> str | None:
        answer = worker.ask("GET", path, **license_header(key)).json
        offer = answer.get("offer")
        version: str | None = offer["version"] if offer else None
        return version

    return ask


def test_what_is_published_changed_and_taken_back_holds_everywhere_within_a_second(machines: TwoMachines) -> None:
    operator, other = machines.one.operator, machines.other.operator
    ask = offered(operator.issue("--smp-years", "1", "--purchased-on", str(days_ago(50)))["key"])
    machines.change("publish", lambda: publish(operator, "1.1", days=10), lambda worker: ask(worker) == "1.1")
    publish(operator, "1.2", "--rollout", "0%", days=9)
    machines.change(
        "rollout", lambda: other.did("rollout", "set", "cad", "1.2", "100%"), lambda worker: ask(worker) == "1.2"
    )
    machines.change(
        "halt",
        lambda: other.did("rollout", "halt", "cad", "1.2", "--reason", "loses files"),
        lambda worker: ask(worker) == "1.1",
    )
    machines.change(
        "withdraw",
        lambda: operator.did("withdraw", "--product", "cad", "--version", "1.1", "--reason", "loses files too"),
        lambda worker: ask(worker) == "1.0",
    )


def test_a_payment_taken_by_one_worker_gives_a_support_period_everywhere(machines: TwoMachines) -> None:
    operator = machines.one.operator
    sold = operator.issue("--purchased-on", str(days_ago(40)))
    token = operator.did("token", "create", "--name", "desk", "--scope", "sales", "--days", "2", "--json").json
    bearer = {"Authorization": f"Bearer {token['token']}"}
    wish = {"licence_id": sold["licence_id"], "smp_years": 1}
    orders = [
        worker.ask("POST", "/v1/orders", wish, Idempotency_Key="one order", **bearer).json
        for worker in machines.workers
    ]
    assert len({order["number"] for order in orders}) == 1

    def in_support(worker: Worker) -> bool:
        check = worker.ask(
            "GET", "/v1/update-check?product=cad&version=0.9&os=linux&arch=x86_64", **license_header(sold["key"])
        )
        licence = worker.ask("GET", "/v1/licence", **license_header(sold["key"]))
        both = {check.json["support"]["last_covered_day"], licence.json["support"]["last_covered_day"]}
        return None not in both

    def pay() -> None:
        """At all of them at once: it is taken once."""
        payment = {"amount": orders[0]["total"], "payment": "transfer 17"}
        path = f"/v1/orders/{orders[0]['number']}/payment"

        def at(worker: Worker) -> int:
            return worker.ask("POST", path, payment, Idempotency_Key=f"by {worker.pid}", **bearer).status

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(at, machines.workers)) == {200}

    machines.change("payment", pay, in_support)
    assert operator.audit_trail(orders[0]["number"]).count("order.paid") == 1


def test_a_seat_given_back_at_one_worker_is_free_at_all_others(machines: TwoMachines) -> None:
    key = machines.one.operator.issue("--smp-years", "1")["key"]
    first, *rest = machines.workers
    taken = first.ask("POST", "/v1/activations", {"machine": SEAT_OF}, **license_header(key))
    assert taken.status == 200
    refused = rest[-1].ask("POST", "/v1/activations", {"machine": ANOTHER_SEAT_OF}, **license_header(key))
    assert (refused.status, refused.json["code"]) == (409, "seats_taken")
    machines.change(
        "seat released",
        lambda: rest[-1].ask("DELETE", f"/v1/activations?machine={SEAT_OF}", **license_header(key)),
        lambda worker: worker.ask("GET", "/v1/activations", **license_header(key)).json["taken"] == 0,
    )
    again = first.ask("POST", "/v1/activations", {"machine": ANOTHER_SEAT_OF}, **license_header(key))
    assert again.status == 200


def test_a_revoked_licence_is_refused_everywhere_within_a_second(machines: TwoMachines) -> None:
    sold = machines.one.operator.issue("--smp-years", "1", "--purchased-on", str(days_ago(50)))
    header = license_header(sold["key"])
    download = f"/downloads/cad/1.0/cad-1.0-{MACHINE}.tar.gz"
    assert {worker.ask("GET", download, **header).status for worker in machines.workers} == {302}
    machines.change(
        "revoke",
        lambda: machines.other.operator.did("licence", "revoke", sold["licence_id"], "--reason", "charged back"),
        lambda worker: worker.ask("GET", download, **header).status == 403,
    )


def test_a_revoked_token_opens_nothing_on_any_worker(machines: TwoMachines) -> None:
    made = machines.one.operator.did(
        "token", "create", "--name", "desk", "--scope", "read", "--days", "2", "--json"
    ).json
    header = {"Authorization": f"Bearer {made['token']}"}
    machines.change(
        "token revoked",
        lambda: machines.other.operator.did("token", "revoke", made["id"], "--reason", "lost"),
        lambda worker: worker.ask("GET", "/v1/token", **header).status == 401,
    )


def test_who_signed_in_at_one_worker_is_signed_in_at_all_of_them(machines: TwoMachines) -> None:
    sold = machines.one.operator.issue("--smp-years", "1")
    first, *rest = machines.workers
    form = urlencode({"key": sold["key"]})
    signed_in = first.ask("POST", "/portal/session", form, Sec_Fetch_Site="same-origin")
    assert signed_in.status == 303
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    for worker in rest:
        assert sold["licence_id"].encode() in worker.ask("GET", "/portal", Cookie=cookie).body


def test_every_event_reaches_a_webhook_once_although_both_machines_deliver(machines: TwoMachines) -> None:
    operator = machines.one.operator
    with running_receiver() as receiver:
        added = operator.did("webhook", "add", receiver.url, "--allow-private", "--event", "licence", "--json").json
        sold = [operator.issue("--smp-years", "1")["licence_id"] for _ in range(8)]
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(set(receiver.ids)) < len(sold):
            assert time.monotonic() < give_up_at, receiver.ids
            time.sleep(0.1)
        operator.did("webhook", "remove", added["id"])
    assert len(receiver.ids) == len(set(receiver.ids))


def test_who_publishes_through_a_proxy_does_not_notice_that_each_request_goes_to_another_machine(
    machines: TwoMachines, tmp_path: Path
) -> None:
    """Of three one dies, and those who ask notice nothing either."""
    operator = machines.one.operator
    made = operator.did(
        "token", "create", "--name", "ci", "--scope", "publish", "--product", "cad", "--days", "2", "--json"
    )
    key, root = operator.data_dir / "keys" / "offline" / "product-cad.pem", operator.data_dir / "root.json"
    sold = operator.issue("--smp-years", "1")["key"]
    laptop = Operator(tmp_path)
    build = laptop.build("cad-2.0.zip", bytes(9_000_000))  # two parts
    third = one_more(operator, "third")
    with third.serving() as server:
        ports = [machines.one.port, machines.other.port, urlsplit(server.url).port or 0]
        with running_proxy(tmp_path / "proxy", ports) as proxy:
            ran = laptop.run(
                *("publish", build, "--product", "cad", "--version", "2.0", "--platform", MACHINE, "--edition", "pro"),
                *("--channel", "stable", "--server", proxy.url, "--root", root, "--key", f"file:{key}", "--yes"),
                TENURE_TOKEN=made.json["token"],
            )
            assert ran.code == 0, ran.err
            assert proxy.machines_asked() == set(ports)
            server.process.kill()
            server.process.wait(30)
            check = f"{proxy.url}/v1/update-check?product=cad&version=0.9&os=linux&arch=x86_64&manual=true"
            answers = [
                urllib3.request("GET", check, headers=license_header(sold), retries=False, timeout=30)
                for _ in range(2 * len(ports))
            ]
            assert [(answer.status, answer.json()["offer"]["version"]) for answer in answers] == [(200, "2.0")] * 6
