"""Which languages a reader wants: the ``lang`` parameter, else ``Accept-Language`` (RFC 9110, 12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request

from tenure_signing.errors import InvalidName
from tenure_signing.languages import Language, parse_language

MAX_LANGUAGES = 10
MAX_HEADER_CHARACTERS = 300

_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def accepted_languages(header: str) -> tuple[Language, ...]:
    """The languages of an ``Accept-Language`` header, the most wanted first. What is no language is passed over: a
    browser's header is never a reason to refuse a request."""
    wanted: list[tuple[float, Language]] = []
    for entry in header[:MAX_HEADER_CHARACTERS].split(",")[:MAX_LANGUAGES]:
        tag, *parameters = (part.strip() for part in entry.split(";"))
        matches = [_QUALITY.fullmatch(parameter.lower()) for parameter in parameters]
        quality = 1.0 if not parameters else float(matches[0][1]) if matches[0] is not None else 0.0
        try:
            language = parse_language(tag)
        except InvalidName:
            continue
        if quality > 0:
            wanted.append((quality, language))
    return tuple(language for _, language in sorted(wanted, key=lambda each: -each[0]))


def wanted_languages(request: Request, lang: Language | None) -> Sequence[Language]:
    """``lang`` is the request's parameter."""
    return (lang,) if lang is not None else accepted_languages(",".join(request.headers.getlist("accept-language")))
