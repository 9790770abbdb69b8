"""The access log without secrets: uvicorn's, filtered.

Signed links, feed tokens and misplaced licence keys are bearer capabilities: whoever reads them in a log has them.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import unquote

REDACTED = "[redacted]"

_FEED_NAMES = frozenset({"velopack"})
# A JWS, which begins with {", or an API token.
_SECRET = re.compile(r"eyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*)*|tenure_[a-z2-7]{12}_[a-z2-7]*", re.ASCII)
_TARGET = 2  # of uvicorn's arguments: client, method, target, HTTP version, status


def redacted(target: str) -> str:
    """Path and query as they may be written down."""
    path, question_mark, query = target.partition("?")
    segments = path.split("/")
    area = unquote(segments[1]).lower() if len(segments) > 1 else ""
    if area == "feeds" and len(segments) > 2 and unquote(segments[2]) not in _FEED_NAMES:
        segments[2] = REDACTED
    if area == "portal" and len(segments) > 3 and unquote(segments[2]) == "reminders":
        segments[3] = REDACTED
    if area in ("store", "uploads") and question_mark:
        query = REDACTED
    return _SECRET.sub(REDACTED, "/".join(segments) + question_mark + query)


class RedactingFilter(logging.Filter):
    """Rewrites the records of ``uvicorn.access``; a record of another form is dropped."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if not isinstance(arguments, tuple) or len(arguments) <= _TARGET:
            return False
        target = redacted(str(arguments[_TARGET]))
        record.args = (*arguments[:_TARGET], target, *arguments[_TARGET + 1 :])
        return True


def logging_config(*, access: bool = True) -> dict[str, Any]:
    """For ``logging.config.dictConfig`` and uvicorn's ``log_config``: everything to standard error, nothing secret."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redacting": {"()": "tenure_server.http.access_log.RedactingFilter"}},
        "formatters": {
            "default": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "access": {
                "()": "uvicorn.logging.AccessFormatter",
                "fmt": '%(asctime)s %(client_addr)s "%(request_line)s" %(status_code)s',
            },
        },
        "handlers": {
            "default": {"class": "logging.StreamHandler", "formatter": "default", "stream": "ext://sys.stderr"},
            "access": {
                "class": "logging.StreamHandler",
                "formatter": "access",
                "filters": ["redacting"],
                "stream": "ext://sys.stderr",
            },
        },
        "root": {"handlers": ["default"], "level": "WARNING"},
        "loggers": {
            "tenure_server": {"level": "INFO"},
            "uvicorn.error": {"level": "INFO"},
            "uvicorn.access": {"handlers": ["access"], "level": "INFO" if access else "CRITICAL", "propagate": False},
        },
    }
