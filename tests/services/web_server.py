"""A real web server for tests: uvicorn in a thread, on a free port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tenure_server.http.fast_routes import FastApplication
from tenure_server.short_way import short_way

_START_SECONDS = 30


@contextmanager
def running_web_server(app: ASGIApp, http: type[asyncio.Protocol] | None = None) -> Iterator[str]:
    """Serve the application; yields its base URL, without a slash at the end. ``http``: by this protocol."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = http or (short_way(app) if isinstance(app, FastApplication) else "auto")
        config = uvicorn.Config(app, http=found, log_level="critical", access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise RuntimeError("uvicorn did not start")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
