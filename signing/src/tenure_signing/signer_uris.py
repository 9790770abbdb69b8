"""Signers by URI: where a private key is, and how it is used without ever being shown.

==================================  ====================================================  ===========================
URI                                 key                                                   needs
==================================  ====================================================  ===========================
``file:PATH`` or ``PATH``           Ed25519, encrypted PKCS#8 (``key_sources``)           a passphrase
``hsm:[ID][?label=TOKEN]``          ECDSA P-256, P-384 on a PKCS#11 token                 a PIN, ``PYKCS11LIB``
``awskms:KEY``                      ECDSA, RSA in AWS KMS                                 AWS credentials
``gcpkms:RESOURCE``                 ECDSA, RSA in Google Cloud KMS                        Google credentials
``azurekms://VAULT/keys/NAME/V``    ECDSA in Azure Key Vault                              Azure credentials
``hv:NAME/VERSION``                 Ed25519 in HashiCorp Vault's transit engine           ``VAULT_ADDR``, a token
==================================  ====================================================  ===========================

Tokens and key services are reached through securesystemslib's signers. Their words are never passed on: they may hold
what was asked of them. Unencrypted key files (``file2:``) are refused: a key that is named by URI is an offline one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import (
    AWSSigner,
    AzureSigner,
    GCPSigner,
    HSMSigner,
    Key,
    Signature,
    Signer,
    SSlibKey,
    VaultSigner,
)

from tenure_signing.errors import KeySourceError
from tenure_signing.key_sources import read_key, tuf_signer
from tenure_signing.public_keys import standard_key

T = TypeVar("T")

SecretAsker = Callable[[str], bytes]
"""Given what the secret is for (``the PIN of hsm:2``), returns it. Asked only when it is needed."""

FILE = "file"
EXTRA_OF_SCHEME = {"hsm": "hsm", "awskms": "awskms", "gcpkms": "gcpkms", "azurekms": "azurekms", "hv": "vault"}
"""The extra of ``tenure-signing`` that brings what a scheme needs."""

_REFUSED = {
    "file2": "it names a key that is not encrypted; encrypt it with a passphrase and use file:",
    "envvar": "a private key in an environment variable can be read by other programs; use file:",
    "gnupg": "GnuPG keys sign no metadata here; use file: or hsm:",
    "sigstore": "its metadata format is not stable; use file: or hsm:",
    "tkey": "TKey signers are not offered; use file: or hsm:",
}
_AZURE_HOST_SUFFIX = ".vault.azure.net"


@dataclass(frozen=True, slots=True)
class _Opened:
    """How to reach a key: the URI in full, and its public half as the token or service states it."""

    uri: str
    key: SSlibKey


def scheme_of(uri: str) -> str:
    """The scheme of a signer URI; ``file`` for a path. Raises ``KeySourceError`` for schemes that are refused."""
    scheme, colon, _ = uri.partition(":")
    if colon and scheme in _REFUSED:
        raise KeySourceError(f"a signer {scheme}: is refused: {_REFUSED[scheme]}")
    if colon and scheme in EXTRA_OF_SCHEME:
        return scheme
    return FILE


def path_of(uri: str) -> Path:
    """The file that ``file:PATH``, ``file:///PATH`` or a bare path names. Raises ``KeySourceError`` for other hosts."""
    if not uri.startswith(f"{FILE}:"):
        return Path(uri)
    rest = uri.removeprefix(f"{FILE}:")
    if not rest.startswith("//"):
        return Path(rest)
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise KeySourceError("a file: signer is on this machine")
    return Path(unquote(parts.path))


def open_signer(uri: str, secret: SecretAsker) -> Signer:
    """The signer that the URI names. A token or key service is asked for the public half of the key.

    Raises ``KeySourceError``, saying which extra to install where one is missing.
    """
    scheme = scheme_of(uri)
    if scheme == FILE:
        path = path_of(uri)
        return tuf_signer(read_key(path, lambda: secret(f"the key {path}")))
    opened = _reached(uri, scheme, secret)
    asker = _SecretOnce(f"the PIN of {uri}", secret)
    signer = _careful(uri, scheme, lambda: Signer.from_priv_key_uri(opened.uri, opened.key, asker))
    return _CarefulSigner(uri, scheme, signer)


def public_key_of(uri: str, secret: SecretAsker) -> SSlibKey:
    """The public half of the key that the URI names; a token is asked for its PIN only if it hides its public keys.

    Raises ``KeySourceError`` as ``open_signer`` does.
    """
    scheme = scheme_of(uri)
    if scheme == FILE:
        key = open_signer(uri, secret).public_key
        assert isinstance(key, SSlibKey)
        return key
    return _reached(uri, scheme, secret).key


@dataclass(slots=True)
class _SecretOnce:
    """Asks once: a wrong PIN entered again and again locks a token."""

    what: str
    ask: SecretAsker = field(repr=False)
    _answer: str | None = field(default=None, repr=False)

    def __call__(self, _: str) -> str:
        if self._answer is None:
            try:
                self._answer = self.ask(self.what).decode()
            except UnicodeDecodeError:
                raise KeySourceError(f"{self.what} is not UTF-8 text") from None
        return self._answer


class _CarefulSigner(Signer):
    """Passes everything on, but the words of what fails."""

    def __init__(self, uri: str, scheme: str, signer: Signer) -> None:
        self._uri, self._scheme, self._signer = uri, scheme, signer

    @property
    def public_key(self) -> Key:
        return self._signer.public_key

    def sign(self, payload: bytes) -> Signature:
        return _careful(self._uri, self._scheme, lambda: self._signer.sign(payload))

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: object = None) -> Signer:
        raise NotImplementedError("open_signer makes these")


def _reached(uri: str, scheme: str, secret: SecretAsker) -> _Opened:
    full_uri, key = _careful(uri, scheme, lambda: _imported(uri, scheme, secret))
    return _Opened(full_uri, standard_key(key))


def _imported(uri: str, scheme: str, secret: SecretAsker) -> tuple[str, SSlibKey]:
    """URI and public key as securesystemslib reads them from the token or service."""
    rest = uri.removeprefix(f"{scheme}:")
    match scheme:
        case "hsm":
            return _imported_from_token(uri, rest, secret)
        case "awskms":
            return AWSSigner.import_(rest)
        case "gcpkms":
            return GCPSigner.import_(rest)
        case "azurekms":
            return _imported_from_azure(uri)
        case _:
            name, _, version = rest.partition("/")
            newest, key = VaultSigner.import_(name)
            if version and newest != uri:
                raise KeySourceError(f"{uri} is not the newest version of its key, which is {newest}")
            return newest, key


def _imported_from_token(uri: str, rest: str, secret: SecretAsker) -> tuple[str, SSlibKey]:
    keyid, _, query = rest.partition("?")
    if keyid and not (keyid.isascii() and keyid.isdigit()):
        raise KeySourceError(f"{uri}: the key id is a number, as in hsm:2?label=TOKEN")
    if "PYKCS11LIB" not in os.environ:
        raise KeySourceError("hsm: needs PYKCS11LIB, the path of the token's PKCS#11 library (a .so, .dylib or .dll)")
    label = dict(parse_qsl(query)).get("label")
    asker = _SecretOnce(f"the PIN of {uri}", secret)
    _, key = HSMSigner.import_(int(keyid) if keyid else None, label, asker)
    return uri, key


def _imported_from_azure(uri: str) -> tuple[str, SSlibKey]:
    parts = urlsplit(uri)
    path = parts.path.strip("/").split("/")
    if not parts.netloc.endswith(_AZURE_HOST_SUFFIX) or len(path) not in (2, 3) or path[0] != "keys":
        raise KeySourceError(f"{uri}: written azurekms://VAULT{_AZURE_HOST_SUFFIX}/keys/NAME/VERSION")
    newest, key = AzureSigner.import_(parts.netloc.removesuffix(_AZURE_HOST_SUFFIX), path[1])
    if len(path) == 3 and newest.rstrip("/").rpartition("/")[2] != path[2]:
        raise KeySourceError(f"{uri} is not the newest version of its key")
    return newest, key


def _careful(uri: str, scheme: str, action: Callable[[], T]) -> T:
    """What the action returns. Whatever fails in it becomes ``KeySourceError`` without its words."""
    try:
        return action()
    except KeySourceError:
        raise
    except (UnsupportedLibraryError, ModuleNotFoundError):
        extra = EXTRA_OF_SCHEME[scheme]
        raise KeySourceError(f"{scheme}: needs more software: pip install 'tenure-signing[{extra}]'") from None
    except Exception as error:  # drivers and key services raise what they like
        raise KeySourceError(f"{uri} cannot be used: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    name = type(error).__name__
    known = {
        "PinIncorrect": "the PIN is wrong; a token locks itself after a few wrong ones",
        "PinLenRange": "the PIN is too short or too long",
        "PinLocked": "the PIN is locked after too many wrong ones",
        "NoSuchToken": "no such token is plugged in",
        "TokenNotPresent": "no such token is plugged in",
    }
    if name == "ValueError" and _is_harmless(str(error)):
        return str(error)
    return known.get(name, f"it answered with {name}")


def _is_harmless(text: str) -> bool:
    """Whether the text is one of the sentences that securesystemslib's token signer raises, which hold no secret."""
    return text.startswith(
        ("No PKCS#11 token found", "Multiple PKCS#11 tokens", "could not find ECDSA", "found multiple", "No keys found")
    )
