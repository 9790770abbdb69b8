"""Drafts: the next versions of one or more roles, which people sign on their own machines and carry on a stick.

A draft holds everything that a person needs to judge it without a network: the roles it changes, unsigned or partly
signed; the metadata they follow, back to the first root; whose keys are whose. One JSON file::

    {"format": "tenure-draft", "schema": 1, "purpose": "…", "made_at": "2026-11-23T08:00:00Z",
     "names": {"<key id>": "Ada"}, "base": {"roots": ["…"], "roles": {"targets": "…"}, "trusted_targets": {…}},
     "roles": {"root": "…"}, "trusted_targets": {"_trust/licence-keys.json": "…"}, "product_settings": null}

Metadata stands in it as text, byte for byte as it was signed. Signatures may be added in any order and in parallel.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Root, Targets

from tenure_signing.errors import InvalidDraft, PublishingError
from tenure_signing.strict_text import json_object
from tenure_signing.tuf_drafts import key_source_error, sign, with_signatures_of
from tenure_signing.tuf_repository import Repository, delegations_of, load, load_any, signature_status, signed_payload
from tenure_signing.tuf_roles import ONLINE_ROLES, ROOT, TARGETS

FORMAT = "tenure-draft"
MAX_DRAFT_BYTES = 64 * 1024 * 1024
MAX_PURPOSE_CHARACTERS = 500

_SCHEMA = 1
_CODE_DIGITS = 32  # 128 bits: nobody finds two drafts with the same code


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whose signatures a role needs, by the word of one delegator, and who has given theirs. Key ids."""

    role: str
    asked_by: str  # "root version 3", "targets version 7"
    threshold: int
    signed: tuple[str, ...]
    unsigned: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        return len(self.signed) >= self.threshold


@dataclass(frozen=True, slots=True)
class Draft:
    """``base`` holds every root and, of the other roles, targets and those that the draft changes.

    ``trusted_targets``: files of the trust folder that change with targets. ``product_settings``: what the server is to
    keep about a product that the draft adds; not signed. Raises ``InvalidDraft`` if it contradicts itself.
    """

    purpose: str
    made_at: datetime
    base: Repository
    roles: Mapping[str, bytes]
    base_trusted_targets: Mapping[str, bytes] = field(default_factory=dict)
    trusted_targets: Mapping[str, bytes] = field(default_factory=dict)
    product_settings: Mapping[str, Any] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("roles", "base_trusted_targets", "trusted_targets", "names"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if self.made_at.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        object.__setattr__(self, "made_at", self.made_at.astimezone(UTC).replace(microsecond=0))
        if not self.roles:
            raise InvalidDraft("the draft changes no role")
        if len(self.purpose) > MAX_PURPOSE_CHARACTERS:
            raise InvalidDraft(f"the purpose of a draft has at most {MAX_PURPOSE_CHARACTERS} characters")
        if online := [role for role in ONLINE_ROLES if role in self.roles]:
            raise InvalidDraft(f"{online[0]} is signed by the server, not by people")
        self._require_versions()
        self._require_trusted_targets(self.base, self.base_trusted_targets)
        self._require_trusted_targets(self.after, self.trusted_targets)

    @property
    def code(self) -> str:
        """What the signers compare, read aloud: the same for copies that differ in signatures only."""
        content: dict[str, object] = {
            "purpose": self.purpose,
            "made_at": _instant_text(self.made_at),
            "base": [_digest(data) for data in (*self.base.roots, *_in_order(self.base.roles))],
            "roles": {role: _digest(signed_payload(role, load_any(role, data))) for role, data in self.roles.items()},
            "trusted_targets": {path: _digest(data) for path, data in self.trusted_targets.items()},
            "product_settings": dict(self.product_settings) if self.product_settings is not None else None,
        }
        digits = _digest(json.dumps(content, sort_keys=True).encode())[:_CODE_DIGITS]
        return "-".join(digits[start : start + 4] for start in range(0, _CODE_DIGITS, 4))

    @property
    def after(self) -> Repository:
        """The base with the draft's roles in place, whatever their signatures."""
        roles = dict(self.roles)
        root = roles.pop(ROOT, None)
        roots = self.base.roots if root is None else (*self.base.roots, root)
        return Repository(roots, {**self.base.roles, **roles})

    @property
    def first_root(self) -> bytes:
        """The root that everything is trusted by: the base's first, or the draft's own."""
        return self.after.roots[0]

    def requirements(self) -> tuple[Requirement, ...]:
        """For each role whose signatures are asked for; root's twice, by the root before and by itself (TUF 5.3.4).

        Raises ``PublishingError`` for a role that nobody delegates to.
        """
        found = [
            _requirement(role, data, name, delegator)
            for role, data in self.roles.items()
            for name, delegator in self._delegators(role)
        ]
        return tuple(found)

    @property
    def is_complete(self) -> bool:
        """Whether nobody's signature is missing."""
        return all(requirement.is_met for requirement in self.requirements())

    def _delegators(self, role: str) -> list[tuple[str, Root | Targets]]:
        after = self.after
        if role == ROOT:
            roots = [load(ROOT, data, Root).signed for data in (*self.base.roots[-1:], self.roles[ROOT])]
            return [(f"root version {root.version}", root) for root in roots]
        delegator: Root | Targets = after.root() if role == TARGETS else after.targets()
        return [(f"{delegator.type} version {delegator.version}", delegator)]

    def _require_versions(self) -> None:
        if not self.base.roots and set(self.roles) != {ROOT, TARGETS}:
            raise InvalidDraft("the first draft of all is that of root and targets")
        for role, data in self.roles.items():
            version = load_any(role, data).signed.version
            if role == ROOT:
                before = len(self.base.roots)
            else:
                before = self.base.targets(role).version if role in self.base.roles else 0
            if version != before + 1:
                raise InvalidDraft(f"the draft has version {version} of {role}, which does not follow version {before}")
        if self.base.roots and TARGETS not in self.base.roles:
            raise InvalidDraft("the draft does not hold the targets metadata that it follows")

    def _require_trusted_targets(self, repository: Repository, files: Mapping[str, bytes]) -> None:
        listed = repository.targets().targets if TARGETS in repository.roles else {}
        for path, data in files.items():
            target = listed.get(path)
            if target is None or target.length != len(data) or target.hashes != {"sha256": _digest(data)}:
                raise InvalidDraft(f"the draft's {path} is not the file that targets lists")


def require_sound_base(draft: Draft, first_root: bytes) -> None:
    """What the draft follows is signed, back to the first root, which is this one.

    Without it a review would compare with something made up. Raises ``InvalidDraft``.
    """
    if draft.first_root != first_root and not (
        not draft.base.roots and _payload(draft.first_root) == _payload(first_root)
    ):
        raise InvalidDraft("the draft belongs to another root than yours")
    roots = [load(ROOT, data, Root).signed for data in draft.base.roots]
    for number, data in enumerate(draft.base.roots):
        if roots[number].version != number + 1:
            raise InvalidDraft(f"the draft has version {roots[number].version} of root as number {number + 1}")
        for delegator in roots[max(0, number - 1) : number + 1]:
            _require_signed(ROOT, data, delegator)
    if not roots:
        return
    targets = draft.base.targets()
    _require_signed(TARGETS, draft.base.bytes_of(TARGETS), roots[-1])
    for role in draft.base.products:
        if role not in delegations_of(targets):
            raise InvalidDraft(f"the draft follows {role}, which is no product")
        _require_signed(role, draft.base.bytes_of(role), targets)


def signed_by(draft: Draft, signer: Signer) -> tuple[Draft, tuple[str, ...]]:
    """The draft with the signer's signature on every role that asks for it and lacks it, and the names of these roles.

    Raises ``InvalidDraft`` if no role asks for this key, or all have its signature; ``KeySourceError`` or
    ``PublishingError`` if it cannot sign.
    """
    keyid = signer.public_key.keyid
    asking = [each for each in draft.requirements() if keyid in (*each.signed, *each.unsigned)]
    if not asking:
        raise InvalidDraft(f"the draft asks for no signature of the key {keyid[:12]}")
    roles = tuple(dict.fromkeys(each.role for each in asking if keyid in each.unsigned))
    if not roles:
        raise InvalidDraft(f"the draft has the signature of the key {keyid[:12]} already")
    signed = dict(draft.roles)
    for role in roles:
        try:
            signed[role] = sign(role, signed[role], signer)
        except PublishingError as error:
            if cause := key_source_error(error):
                raise cause from None
            raise
    return replace(draft, roles=signed), roles


def merged(draft: Draft, others: Sequence[Draft]) -> Draft:
    """The draft with the signatures that others made on copies of it. Raises ``InvalidDraft`` for other drafts."""
    for other in others:
        if other.code != draft.code:
            raise InvalidDraft("these are different drafts: their codes differ")
    roles = {
        role: with_signatures_of(role, data, [other.roles[role] for other in others])
        for role, data in draft.roles.items()
    }
    names = {**{keyid: name for other in others for keyid, name in other.names.items()}, **draft.names}
    return replace(draft, roles=roles, names=names)


# The file


def to_json(draft: Draft) -> bytes:
    """The draft as a file. Raises ``InvalidDraft`` if it is larger than drafts may be."""
    document = {
        "format": FORMAT,
        "schema": _SCHEMA,
        "purpose": draft.purpose,
        "made_at": _instant_text(draft.made_at),
        "names": dict(draft.names),
        "base": {
            "roots": [data.decode() for data in draft.base.roots],
            "roles": _texts(draft.base.roles),
            "trusted_targets": _texts(draft.base_trusted_targets),
        },
        "roles": _texts(draft.roles),
        "trusted_targets": _texts(draft.trusted_targets),
        "product_settings": dict(draft.product_settings) if draft.product_settings is not None else None,
    }
    data = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    if len(data) > MAX_DRAFT_BYTES:
        raise InvalidDraft(f"a draft has at most {MAX_DRAFT_BYTES} bytes")
    return data


def from_json(data: bytes) -> Draft:
    """The draft in a file; nothing in it is believed for that. Raises ``InvalidDraft`` or ``PublishingError``."""
    if len(data) > MAX_DRAFT_BYTES:
        raise InvalidDraft(f"a draft has at most {MAX_DRAFT_BYTES} bytes")
    try:
        document = json_object(data)
    except (ValueError, RecursionError) as error:
        raise InvalidDraft("a draft is one strict JSON object in UTF-8") from error
    if document.get("format") != FORMAT or document.get("schema") != _SCHEMA:
        raise InvalidDraft(f"this is no {FORMAT} of schema {_SCHEMA}")
    base = _object(document, "base")
    roots = base.get("roots")
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise InvalidDraft("the roots of a draft's base are a list of texts")
    settings = document.get("product_settings")
    return Draft(
        purpose=_text(document, "purpose"),
        made_at=_instant(_text(document, "made_at")),
        base=Repository(tuple(root.encode() for root in roots), _bytes_of(base, "roles")),
        roles=_bytes_of(document, "roles"),
        base_trusted_targets=_bytes_of(base, "trusted_targets"),
        trusted_targets=_bytes_of(document, "trusted_targets"),
        product_settings=_object(document, "product_settings") if settings is not None else None,
        names={keyid: data.decode() for keyid, data in _bytes_of(document, "names").items()},
    )


def read_draft(path: Path) -> Draft:
    """Raises ``InvalidDraft`` and ``PublishingError``, and ``OSError`` if the file cannot be read."""
    with path.open("rb") as file:
        return from_json(file.read(MAX_DRAFT_BYTES + 1))


def write_draft(path: Path, draft: Draft, *, may_replace: bool) -> None:
    """The whole file or nothing; a stick pulled out in between leaves the old one.

    Raises ``InvalidDraft`` if the file exists and may not be replaced, and ``OSError``.
    """
    data = to_json(draft)
    if not may_replace and path.exists():
        raise InvalidDraft(f"{path} exists already and was left as it is")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _requirement(role: str, data: bytes, asked_by: str, delegator: Root | Targets) -> Requirement:
    status = signature_status(role, data, delegator)
    return Requirement(role, asked_by, status.threshold, tuple(sorted(status.signed)), tuple(sorted(status.unsigned)))


def _require_signed(role: str, data: bytes, delegator: Root | Targets) -> None:
    if not signature_status(role, data, delegator).verified:
        raise InvalidDraft(f"the {role} that the draft follows is not signed as {delegator.type} asks")


def _payload(root: bytes) -> bytes:
    return signed_payload(ROOT, load(ROOT, root, Root))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _in_order(roles: Mapping[str, bytes]) -> list[bytes]:
    return [roles[role] for role in sorted(roles)]


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: data.decode() for name, data in files.items()}


def _object(document: Mapping[str, object], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise InvalidDraft(f"{name} of a draft is an object")
    return value


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise InvalidDraft(f"{name} of a draft is a text")
    return value


def _bytes_of(document: Mapping[str, object], name: str) -> dict[str, bytes]:
    members = _object(document, name)
    if not all(isinstance(text, str) for text in members.values()):
        raise InvalidDraft(f"{name} of a draft holds texts")
    return {key: text.encode() for key, text in members.items()}


def _instant_text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidDraft("made_at of a draft is an instant such as 2026-11-23T08:00:00Z") from error
