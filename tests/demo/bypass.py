"""A server whose gate is bypassed: it hands every build to everybody, and says that everything is covered.

It stands for a server that was broken into, or a friend who shares files: metadata is the real server's, bytes come
straight from the store.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError


@contextmanager
def gate_bypassed(real_server: str, store: Path, forged_offer: dict[str, object]) -> Iterator[str]:
    """The address of such a server, as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/downloads/") and "/_trust/" not in self.path:
                name = self.path.rpartition("/")[2]
                found = next(store.rglob(f"*{name}"))
                self._answer(200, "application/octet-stream", found.read_bytes())
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            try:
                with urllib.request.urlopen(urllib.request.Request(real_server + self.path, headers=headers)) as answer:
                    body = answer.read()
            except HTTPError as error:
                self._answer(error.code, error.headers.get("Content-Type", ""), error.read())
                return
            if self.path.startswith("/v1/update-check"):
                body = json.dumps({**json.loads(body), **forged_offer}).encode()
            self._answer(200, answer.headers.get("Content-Type", ""), body)

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Its log is nobody's business."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
