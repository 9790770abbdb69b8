"""Reads the plain form of an update check's query, as SDKs send it: known names, each once, nothing escaped.

Whatever else is sent is None here and goes to ``reading.read``, which understands everything and names every fault.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tenure_server.http.languages import accepted_languages
from tenure_server.http.parameters import UpdateCheckRequest
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_signing.entitlement import Turn
from tenure_signing.errors import SigningError
from tenure_signing.languages import Language, parse_language
from tenure_signing.names import ChannelName, Platform, parse_channel, platform_of
from tenure_signing.update_choice import InstalledCopy
from tenure_signing.versions import Version, parse_version

MAX_QUERY_BYTES = 600
_STABLE: ChannelName = UpdateCheckRequest.model_fields["channel"].default
_INSTALL_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_NAMES = frozenset({"product", "version", "os", "arch", "channel", "manual", "turn", "lang"})
_TURNS = {turn.value: turn for turn in Turn}
_REMEMBERED = 4_096


class PlainCheck(NamedTuple):
    product: str
    version: str  # in its normal spelling
    copy: InstalledCopy
    languages: tuple[Language, ...]  # the parameter's, else the header's


class PlainQueries:
    """Remembers how versions, machines and channels are spelled, within bounds."""

    def __init__(self) -> None:
        self._questions: RecentlyUsed[str, PlainCheck] = RecentlyUsed(_REMEMBERED)
        self._versions: RecentlyUsed[str, tuple[Version, str]] = RecentlyUsed(_REMEMBERED)
        self._machines: RecentlyUsed[tuple[str, str], Platform] = RecentlyUsed(_REMEMBERED)
        self._channels: RecentlyUsed[str, ChannelName] = RecentlyUsed(_REMEMBERED)
        self._languages: RecentlyUsed[bytes, tuple[Language, ...]] = RecentlyUsed(_REMEMBERED)

    def read(self, query: bytes, accept_language: bytes | None = None) -> PlainCheck | None:
        if len(query) > MAX_QUERY_BYTES or b"%" in query or b"+" in query or not query.isascii():
            return None
        text = query.decode("ascii")
        before, named, after = text.partition("&install_id=")
        if not named:
            return self._question(text, None, accept_language)
        install_id, more, rest = after.partition("&")
        if not _INSTALL_ID.fullmatch(install_id):
            return None
        return self._question(f"{before}&{rest}" if more else before, install_id, accept_language)

    def _question(self, text: str, install_id: str | None, accept_language: bytes | None) -> PlainCheck | None:
        """The query without the install id, which is another for each copy: few differ, so they are remembered."""
        found = self._questions.get(text)
        if found is None:
            found = self._parsed(text)
            if found is None:
                return None
            self._questions.put(text, found)
        product, spelling, copy, languages = found
        if install_id is not None:
            copy = InstalledCopy(copy.version, copy.machine, copy.channel, install_id, copy.is_manual, copy.turn)
        return PlainCheck(product, spelling, copy, languages or self._accepted(accept_language))

    def _parsed(self, text: str) -> PlainCheck | None:
        values: dict[str, str] = {}
        for pair in text.split("&"):
            name, equals, value = pair.partition("=")
            if not equals or name in values or name not in _NAMES:
                return None
            values[name] = value
        try:
            return self._checked(values)
        except (KeyError, SigningError):
            return None

    def _checked(self, values: dict[str, str]) -> PlainCheck | None:
        version, spelling = self._version(values["version"])
        machine = self._machine(values["os"], values["arch"])
        channel = self._channel(values["channel"]) if "channel" in values else _STABLE
        manual = values.get("manual", "false")
        if manual not in ("true", "false"):
            return None
        turn = values.get("turn")
        if turn is not None and turn not in _TURNS:
            return None
        own_turn = _TURNS[turn] if turn is not None else None
        lang = values.get("lang")
        return PlainCheck(
            values["product"],
            spelling,
            InstalledCopy(version, machine, channel, None, manual == "true", own_turn),
            (parse_language(lang),) if lang is not None else (),
        )

    def _accepted(self, header: bytes | None) -> tuple[Language, ...]:
        if header is None:
            return ()
        found = self._languages.get(header)
        if found is None:
            found = accepted_languages(header.decode("latin-1"))
            self._languages.put(header, found)
        return found

    def _version(self, text: str) -> tuple[Version, str]:
        found = self._versions.get(text)
        if found is None:
            version = parse_version(text)
            found = version, str(version)
            self._versions.put(text, found)
        return found

    def _machine(self, os: str, arch: str) -> Platform:
        found = self._machines.get((os, arch))
        if found is None:
            found = Platform(platform_of(os, "any").os, platform_of("any", arch).arch)
            self._machines.put((os, arch), found)
        return found

    def _channel(self, text: str) -> ChannelName:
        found = self._channels.get(text)
        if found is None:
            found = parse_channel(text)
            self._channels.put(text, found)
        return found
