"""Answers plain requests from uvicorn's parser directly, without a task, where the application has the answer at hand.

uvicorn makes a task, an event and a response cycle of each request, which costs more than most of our answers. A
request goes the short way if nothing about it needs those: HTTP/1.1, kept alive, no body, nothing of the connection
under way or waiting, no access log asked for, and the first of what was read at once, so that one connection that
sends a thousand requests in a row gives way to the others after each. Everything else is uvicorn's, with files sent
by the kernel.
"""

from __future__ import annotations

import logging

from tenure_server.file_sending import FileSendingProtocol
from tenure_server.http.fast_routes import FastApplication

_log = logging.getLogger(__name__)


def short_way(application: FastApplication) -> type[FileSendingProtocol]:
    """For ``uvicorn.Config(http=…)``: uvicorn's protocol with the short way to the application."""
    at_once = application.at_once

    class ShortWay(FileSendingProtocol):
        _may_be_short = True
        _is_answered = False

        def data_received(self, data: bytes) -> None:
            self._may_be_short = not self.config.access_log
            super().data_received(data)

        def on_headers_complete(self) -> None:
            may_be_short, self._may_be_short = self._may_be_short, False
            if not (may_be_short and self._is_plain() and self._answer()):
                super().on_headers_complete()

        def _is_plain(self) -> bool:
            """What the routes themselves ask of a request, such as its method, is left to them."""
            cycle, parser = self.cycle, self.parser
            return (
                (cycle is None or cycle.response_complete)
                and parser.should_keep_alive()
                and parser.get_http_version() == "1.1"
                and parser.get_method() == b"GET"
                and not parser.should_upgrade()
                and self.limit_concurrency is None
                and not self.root_path
                and not self.flow.write_paused
                and self.url.startswith(b"/")
                and b"#" not in self.url
            )

        def _answer(self) -> bool:
            scope, url = self.scope, self.url
            raw_path, _, query = url.partition(b"?")
            scope["method"], scope["raw_path"], scope["query_string"] = "GET", raw_path, query
            try:
                answer = at_once(scope)  # type: ignore[arg-type]
            except Exception:  # the general way meets it again, and answers with an incident
                _log.debug("the short way failed", exc_info=True)
                return False
            if answer is None:
                return False
            first = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
            self.transport.write(answer.on_the_wire(first))
            self._is_answered = True
            return True

        def on_message_complete(self) -> None:
            if self._is_answered:
                self._is_answered = False
                self.on_response_complete()
            else:
                super().on_message_complete()

    return ShortWay
