"""Public key files: what a person hands to the others before a ceremony."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from securesystemslib.signer import CryptoSigner, SSlibKey

from tenure_signing.errors import InvalidPublicKey
from tenure_signing.key_sets import Purpose
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.public_keys import PublicKey, shown_key

SIGNERS = {
    "ed25519": CryptoSigner.generate_ed25519,
    "ecdsa-sha2-nistp256": CryptoSigner.generate_ecdsa,
    "ecdsa-sha2-nistp384": lambda: CryptoSigner.generate_ecdsa(scheme="ecdsa-sha2-nistp384"),
    "rsassa-pss-sha256": CryptoSigner.generate_rsa,
}


@pytest.mark.parametrize("scheme", SIGNERS)
def test_a_public_key_comes_back_from_its_file(scheme: str) -> None:
    key = SIGNERS[scheme]().public_key
    public = PublicKey(key, "Ada, token 1")
    read = PublicKey.from_json(public.to_json())
    assert (read.key, read.keyid, read.name, read.key.scheme) == (key, key.keyid, "Ada, token 1", scheme)


def test_only_an_ed25519_key_can_sign_licence_keys() -> None:
    key = new_key()
    public = PublicKey(tuf_signer(key).public_key)
    assert public.statement_kid == key.kid
    assert public.verification_key(Purpose.LICENCE_KEY) == key.verification_key(Purpose.LICENCE_KEY)
    ecdsa = PublicKey(CryptoSigner.generate_ecdsa().public_key)
    assert ecdsa.statement_kid is None
    with pytest.raises(InvalidPublicKey, match="Ed25519 keys only"):
        ecdsa.verification_key(Purpose.CERTIFICATE)


def changed(**members: Any) -> bytes:
    document = json.loads(PublicKey(CryptoSigner.generate_ed25519().public_key, "Ada").to_json())
    return json.dumps(document | members).encode()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "one strict JSON object"),
        (b"[]", "one strict JSON object"),
        (b'{"format": "tenure-public-key", "format": "x"}', "one strict JSON object"),
        (b" " * 20_000, "at most 16384 bytes"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "this is a private key"),
        (changed(format="tenure-draft"), "no tenure-public-key file"),
        (changed(schema=2), "of schema 1"),
        (changed(name=None), "needs name as text"),
        (changed(name="A\x1b[2J"), "printable characters"),
        (changed(name="x" * 101), "at most 100"),
        (changed(keyid="0" * 64), "not that of its key"),
        (changed(keyid=7), "needs keyid as text"),
        (changed(public="00"), "cannot be read"),
        (changed(public="zz"), "cannot be read"),
        (changed(scheme="ecdsa-sha2-nistp256"), "cannot be read"),
        (changed(keytype="sigstore-oidc", scheme="Fulcio"), "cannot be read"),
        (changed(keytype="rsa", scheme="rsa-pkcs1v15-sha224"), "cannot be read"),
    ],
)
def test_a_file_that_is_no_public_key_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(InvalidPublicKey, match=complaint):
        PublicKey.from_json(data)


def test_a_weak_or_unusual_key_is_refused() -> None:
    weak = SSlibKey.from_crypto(generate_private_key(65_537, 1_024).public_key())
    unusual = SSlibKey.from_crypto(Ed25519PrivateKey.generate().public_key(), scheme="rsassa-pss-sha256")
    old = CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256").public_key
    for key in (weak, unusual, old):
        with pytest.raises(InvalidPublicKey):
            PublicKey(key)


def test_a_key_spelt_otherwise_has_the_same_id() -> None:
    key = CryptoSigner.generate_ecdsa().public_key
    spelt = SSlibKey("1" * 64, key.keytype, key.scheme, {"public": key.keyval["public"] + "\n"})
    assert PublicKey(spelt).keyid == key.keyid


def test_a_key_is_shown_with_the_name_of_its_holder_where_it_is_known() -> None:
    assert shown_key("ab" * 32, {"ab" * 32: "Ada"}) == "Ada (abababababab)"
    assert shown_key("ab" * 32, {}) == "abababababab"
