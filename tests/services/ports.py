"""Free TCP ports on 127.0.0.1. Another program may take one before it is used: start servers with a retry."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack


def free_port() -> int:
    """A port nobody listens on, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports_in_a_row(count: int) -> int:
    """The first of ``count`` free ports in a row, below the range from which the kernel gives ports to clients.

    Raises ``OSError`` when none is found.
    """
    for _ in range(200):
        first = random.randrange(12_000, 32_000 - count)
        try:
            with ExitStack() as probes:
                for port in range(first, first + count):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError(f"no {count} free ports in a row between 12000 and 32000")
