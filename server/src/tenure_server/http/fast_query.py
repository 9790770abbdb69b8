"""Reads the plain form of an update check's query, as SDKs send it: known names, each once, nothing escaped.

Whatever else is sent is None here and goes to ``reading.read``, which understands everything and names every fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
_NAMES = frozenset({"product", "version", "os", "arch", "channel", "install_id", "manual", "turn", "lang"})
_TURNS = {turn.value: turn for turn in Turn}
_REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class PlainCheck:
    product: str
    version: str  # in its normal spelling
    copy: InstalledCopy
    languages: tuple[Language, ...]  # the parameter's, else the header's


class PlainQueries:
    """Remembers how versions, machines and channels are spelled, within bounds."""

    def __init__(self) -> None:
        self._versions: RecentlyUsed[str, tuple[Version, str]] = RecentlyUsed(_REMEMBERED)
        self._machines: RecentlyUsed[tuple[str, str], Platform] = RecentlyUsed(_REMEMBERED)
        self._channels: RecentlyUsed[str, ChannelName] = RecentlyUsed(_REMEMBERED)
        self._languages: RecentlyUsed[bytes, tuple[Language, ...]] = RecentlyUsed(_REMEMBERED)

    def read(self, query: bytes, accept_language: bytes | None = None) -> PlainCheck | None:
        if len(query) > MAX_QUERY_BYTES or b"%" in query or b"+" in query or not query.isascii():
            return None
        values: dict[str, str] = {}
        for pair in query.decode("ascii").split("&"):
            name, equals, value = pair.partition("=")
            if not equals or name in values or name not in _NAMES:
                return None
            values[name] = value
        try:
            return self._checked(values, accept_language)
        except (KeyError, SigningError):
            return None

    def _checked(self, values: dict[str, str], accept_language: bytes | None) -> PlainCheck | None:
        version, spelling = self._version(values["version"])
        machine = self._machine(values["os"], values["arch"])
        channel = self._channel(values["channel"]) if "channel" in values else _STABLE
        install_id, manual = values.get("install_id"), values.get("manual", "false")
        if install_id is not None and not _INSTALL_ID.fullmatch(install_id):
            return None
        if manual not in ("true", "false"):
            return None
        turn = values.get("turn")
        if turn is not None and turn not in _TURNS:
            return None
        own_turn = _TURNS[turn] if turn is not None else None
        copy = InstalledCopy(version, machine, channel, install_id, manual == "true", own_turn)
        lang = values.get("lang")
        languages = (parse_language(lang),) if lang is not None else self._accepted(accept_language)
        return PlainCheck(values["product"], spelling, copy, languages)

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
