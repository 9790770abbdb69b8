"""``tenure serve`` as a process: it says where it is, and ends when it is told to."""

from __future__ import annotations

import signal
import socket
import urllib.request

import pytest

from tests.server.cli.at_the_terminal import Operator


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_a_server_says_where_it_is_answers_and_ends_when_told(operator: Operator, by: signal.Signals) -> None:
    with operator.serving() as server:
        assert server.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=30) as answer:
            assert answer.status == 200
        assert server.end(by) == 0
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "error" not in log.replace("uvicorn.error", "")


def test_a_port_that_is_taken_is_said(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = operator.run("serve", "--port", str(port))
    assert refused.code == 1
    assert f"port {port}" in refused.error
    assert "--port" in refused.hint


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "::ffff::1"])
def test_an_address_that_is_not_this_machines_is_said(operator: Operator, host: str) -> None:
    refused = operator.run("serve", "--host", host, "--port", "0")
    assert refused.code == 1
    assert host in refused.error


def test_before_init_there_is_nothing_to_serve_and_nothing_is_made(newcomer: Operator) -> None:
    refused = newcomer.run("serve", "--port", "0")
    assert refused.code == 1
    assert "tenure init" in refused.hint
    assert not newcomer.data_dir.exists()


def test_a_server_whose_first_root_was_never_signed_says_so(newcomer: Operator) -> None:
    """As after a kill of ``tenure init`` before its last step."""
    newcomer.data_dir.mkdir(mode=0o700)
    newcomer.installation().keys.make_online_keys()
    refused = newcomer.run("serve", "--port", "0")
    assert refused.code == 1
    assert "tenure init" in refused.hint


def test_behind_a_proxy_it_names_the_address_that_customers_use(operator: Operator) -> None:
    operator.settings = {"TENURE_BASE_URL": "https://updates.example.com"}
    with operator.serving() as server:
        assert server.url == "https://updates.example.com"
