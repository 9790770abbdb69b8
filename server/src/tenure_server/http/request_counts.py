"""Requests by class of address and outcome, counted in plain integers: the hot path pays some hundred nanoseconds.

One object for each process; only its event loop counts, whoever exports reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator

from starlette.types import Message, Send

OUTCOMES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")

CLASSES: dict[bytes, str] = {
    b"/v1/update-check": "update_check",
    b"/v1/releases": "releases",
    b"/v1/licence": "licence",
    b"/v1/install-reports": "install_reports",
    b"/v1/": "management",
    b"/downloads/": "downloads",
    b"/metadata/": "metadata",
    b"/store/": "store",
    b"/uploads/": "uploads",
    b"/feeds/": "feeds",
    b"/portal/": "portal",
    b"/portal": "portal",
    b"/healthz": "health",
    b"/readyz": "health",
    b"/metrics": "health",
}
"""By whole path, or by its first segment between slashes. What fits none is ``other``: labels stay few, whatever is
asked for."""

OTHER = "other"


class RequestCounts:
    def __init__(self) -> None:
        self._counts = {name: [0] * len(OUTCOMES) for name in (*CLASSES.values(), OTHER)}
        self._by_path = {path: self._counts[name] for path, name in CLASSES.items()}
        self._others = self._counts[OTHER]

    def counting(self, path: bytes, send: Send) -> Send:
        """The same ``send``, which counts how the answer begins."""
        counts = self._of(path)

        def counted(message: Message) -> Awaitable[None]:
            status = message.get("status")
            if status is not None:
                counts[status // 100 if 100 <= status < 600 else 0] += 1
            return send(message)

        return counted

    def count(self, path: bytes, status: int) -> None:
        """One answer that is given at once, of a status from 100 to 599."""
        self._of(path)[status // 100] += 1

    def _of(self, path: bytes) -> list[int]:
        by_path = self._by_path
        return by_path.get(path) or by_path.get(path[: path.find(b"/", 1) + 1]) or self._others

    def total(self) -> int:
        """All of them."""
        return sum(map(sum, self._counts.values()))

    def items(self) -> Iterator[tuple[str, str, int]]:
        """Class, outcome and number of requests, without those that never came."""
        for name, counts in self._counts.items():
            for outcome, count in zip(OUTCOMES, counts, strict=True):
                if count:
                    yield name, outcome, count
