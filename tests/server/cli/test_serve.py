"""``tenure serve`` as a process: it says where it is, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator, RunningServer
from tests.services.ports import free_port


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


def _workers_of(server: RunningServer) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _answers(server: RunningServer) -> int:
    with urllib.request.urlopen(f"{server.url}/readyz", timeout=30) as answer:
        status: int = answer.status
        return status


def _eventually(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_several_workers_answer_on_one_address_one_is_replaced_and_all_end_with_their_parent(
    operator: Operator,
) -> None:
    with operator.serving("--workers", "2") as server:
        workers = _workers_of(server)
        assert len(workers) == 2
        assert [_answers(server) for _ in range(10)] == [200] * 10
        os.kill(workers[0], signal.SIGKILL)
        _eventually(lambda: len(set(_workers_of(server)) - {workers[0]}) == 2)
        workers = _workers_of(server)
        assert _answers(server) == 200
        assert server.end(signal.SIGTERM) == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert "Traceback" not in server.log.read_text()


def test_workers_do_not_outlive_a_parent_that_was_killed(operator: Operator) -> None:
    with operator.serving("--workers", "2") as server:
        workers = _workers_of(server)
        assert _answers(server) == 200
        server.process.kill()
        _eventually(lambda: not any(_is_running(worker) for worker in workers))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_line_for_each_request_is_written_only_where_it_is_asked_for(operator: Operator) -> None:
    for options, expected in (((), False), (("--access-log", "--workers", "2"), True)):
        with operator.serving(*options) as server:
            assert _answers(server) == 200
            server.end(signal.SIGTERM)
        assert ("GET /readyz" in server.log.read_text()) is expected


def test_metrics_have_a_listener_of_their_own_where_one_is_set(operator: Operator) -> None:
    port = free_port()
    operator.settings = {"TENURE_METRICS_LISTEN": f"127.0.0.1:{port}"}
    with operator.serving() as server:
        for path in ("/metrics", "/v1/licence"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                text = answer.read().decode()
            assert "tenure_database_up 1.0" in text  # whatever is asked for: nothing else is there
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{server.url}/metrics", timeout=30)
        assert server.end() == 0
