"""The access log holds no signed link, feed token or licence key."""

from __future__ import annotations

import logging
import logging.config

import pytest

from tenure_server.http.access_log import REDACTED, RedactingFilter, logging_config, redacted

KEY = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"


@pytest.mark.parametrize(
    "target",
    [
        "/store/builds/cad/1.0/a.zip?expires=1&name=a.zip&signature=5ec4e7",
        "/STORE/builds/cad/1.0/a.zip?expires=1&signature=5ec4e7",
        "/s%74ore/builds/cad/1.0/a.zip?expires=1&signature=5ec4e7",
    ],
)
def test_the_signature_of_a_link_is_left_out(target: str) -> None:
    shown = redacted(target)
    assert "5ec4e7" not in shown
    assert shown.endswith(f"a.zip?{REDACTED}")


@pytest.mark.parametrize(
    "target", [f"/feeds/{TOKEN}/velopack/cad/releases.win.json?id=1", f"/feeds/{TOKEN}", f"/f%65eds/{TOKEN}/x"]
)
def test_a_feed_token_is_left_out(target: str) -> None:
    assert TOKEN not in redacted(target)
    assert REDACTED in redacted(target)


@pytest.mark.parametrize("target", [f"/v1/licence?key={KEY}", f"/v1/licence/{KEY}", f"/feeds/velopack/{KEY}"])
def test_a_misplaced_licence_key_is_left_out(target: str) -> None:
    shown = redacted(target)
    assert not any(part in shown for part in KEY.split("."))


@pytest.mark.parametrize(
    "target",
    [
        "/v1/update-check?product=cad&version=2.4.1&os=linux&arch=x86_64",
        "/feeds/velopack/cad/windows-x86_64/stable/releases.win.json?localVersion=1.0.0",
        "/downloads/cad/1.0/cad-1.0.zip",
        "/",
        "",
        "*",
    ],
)
def test_everything_else_is_shown_as_it_was_asked(target: str) -> None:
    assert redacted(target) == target


def test_a_record_of_unknown_form_is_dropped() -> None:
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "GET /store/x?signature=1", None, None)
    assert not RedactingFilter().filter(record)


def test_the_configuration_filters_what_uvicorn_writes(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = [logging.getLogger(name) for name in ("", "tenure_server", "uvicorn.access", "uvicorn.error")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    try:
        logging.config.dictConfig(logging_config())
        arguments = ("127.0.0.1:5", "GET", f"/feeds/{TOKEN}/velopack/cad?x=1", "1.1", 200)
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *arguments)
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
    written = capsys.readouterr().err
    assert f"GET /feeds/{REDACTED}/velopack/cad?x=1 HTTP/1.1" in written
    assert "200 OK" in written
    assert TOKEN not in written
