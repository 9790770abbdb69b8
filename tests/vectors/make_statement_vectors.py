"""Writes licence_keys.json, certificates.json, activations.json and key_sets.json: the same bytes on every run.

Run ``python tests/vectors/make_statement_vectors.py`` from the repository's root after a change of the format. It signs
with ``cryptography`` directly and imports nothing of Tenure, so that the vectors test the code and not themselves.

The private keys below are for tests only. Never put their public halves into a key set that anyone trusts.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LICENCE_KEY, CERTIFICATE = "tenure-licence-key+jws", "tenure-smp-certificate+jws"
ACTIVATION = "tenure-activation+jws"
LIMITS = {LICENCE_KEY: 2048, CERTIFICATE: 16384, ACTIVATION: 2048}

ISSUED = 1_795_392_000  # 2026-11-23T00:00:00Z
NOW = ISSUED + 86_400
RETIRED = ISSUED + 3_600
REFRESH = ISSUED + 14 * 86_400
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

Json = dict[str, Any]
Sign = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Key:
    """A test key made from its name."""

    def __init__(self, name: str) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(b"Tenure test only: " + name.encode()).digest()
        )
        self.public = self.private.public_key().public_bytes_raw()
        self.kid = b64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{b64(self.public)}"}}'.encode()).digest())

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)

    def jwk(self, *purposes: str, **more: object) -> Json:
        members = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid}
        return members | {"x": b64(self.public), "purposes": list(purposes)} | more


ONE, TWO, OLD, SEAL, BOTH, STRANGER, DOOR = (
    Key(name) for name in ("one", "two", "old", "seal", "both", "stranger", "door")
)

KEY_SETS: dict[str, Json] = {
    "usual": {
        "schema": 1,
        "keys": [
            ONE.jwk(LICENCE_KEY),
            TWO.jwk(LICENCE_KEY),
            OLD.jwk(LICENCE_KEY, CERTIFICATE, retired_at=RETIRED),
            SEAL.jwk(CERTIFICATE),
            BOTH.jwk(LICENCE_KEY, CERTIFICATE),
        ],
    },
    "empty": {"schema": 1, "keys": []},
    "each its own": {"schema": 1, "keys": [ONE.jwk(LICENCE_KEY), SEAL.jwk(CERTIFICATE), DOOR.jwk(ACTIVATION)]},
}

LICENCE: Json = {
    "sub": "L-2026-000417",
    "product": "cad",
    "edition": "pro",
    "purchased_on": "2026-11-23",
    "seats": 3,
    "iat": ISSUED,
}
COVER: Json = LICENCE | {
    "status": "active",
    "periods": [["2026-11-23", "2028-11-22"], ["2030-01-01", "2030-12-31"]],
    "grants": [{"version": "7.0.1"}, {"line": "6.2"}],
    "service_packs": "period",
    "refresh_by": REFRESH,
}


def machine(licence_id: str, machine_id: str) -> str:
    return hashlib.sha256(f"tenure-machine\n{licence_id}\n{machine_id}\n".encode()).hexdigest()


MACHINE_ID = "linux:0123456789abcdef0123456789abcdef"
SEAT: Json = {
    "sub": LICENCE["sub"],
    "product": "cad",
    "machine": machine(str(LICENCE["sub"]), MACHINE_ID),
    "activated_at": ISSUED - 9 * 86_400,
    "valid_until": REFRESH,
    "iat": ISSUED,
}


def statement(
    purpose: str, payload: bytes, key: Key, header: Json | bytes | None = None, sign: Sign | None = None
) -> str:
    if header is None:
        header = {"typ": purpose, "alg": "EdDSA", "kid": key.kid}
    head = header if isinstance(header, bytes) else compact_json(header)
    text = f"{b64(head)}.{b64(payload)}"
    return f"{text}.{b64((sign or key.sign)(text.encode()))}"


class Cases:
    """Gathers the cases of one purpose, all signed by ``key`` unless they say otherwise.

    ``forged``: what a thief would change about the claims, and how that is called. ``number``: a claim that is one.
    """

    forged: tuple[str, Json, Json] = ("more seats", {"seats": 300}, {"seats": 2})
    number = "seats"
    deep = ("six", 600)

    def __init__(self, purpose: str, key: Key, claims: Json) -> None:
        self.purpose, self.key, self.claims, self.cases = purpose, key, claims, list[Json]()

    def text(self, changes: Json | None = None, *, key: Key | None = None) -> str:
        return statement(self.purpose, compact_json(self.claims | (changes or {})), key or self.key)

    def good(
        self,
        name: str,
        changes: Json | None = None,
        *,
        key: Key | None = None,
        now: int = NOW,
        key_set: str = "usual",
    ) -> None:
        self.believed(name, self.text(changes, key=key), self.claims | (changes or {}), key or self.key, now, key_set)

    def believed(self, name: str, text: str, claims: Json, key: Key, now: int = NOW, key_set: str = "usual") -> None:
        ok: Json = {"key_id": key.kid, "claims": claims}
        if self.purpose == LICENCE_KEY:
            ok |= {"sha256": hashlib.sha256(text.encode()).hexdigest(), "display_hint": "…" + text[-6:]}
        elif self.purpose == CERTIFICATE:
            ok |= {"is_stale": now > claims["refresh_by"]}
        else:
            ok |= {"is_over": claims["valid_until"] is not None and now > claims["valid_until"]}
        self._add(name, text, {"ok": ok}, key_set, now)

    def bad(self, error: str, name: str, text: str, *, key_set: str = "usual", now: int = NOW) -> None:
        self._add(name, text, {"error": error}, key_set, now)

    def claims_bad(self, name: str, changes: Json) -> None:
        self.bad("invalid_claims", name, self.text(changes))

    def _add(self, name: str, text: str, expect: Json, key_set: str, now: int) -> None:
        self.cases.append({"name": name, "text": text, "key_set": key_set, "now": now, "expect": expect})

    # What goes wrong in the same way for every purpose.

    def add_form(self) -> None:
        good = self.text()
        head, payload, signature = good.split(".")
        cut = {
            "nothing at all": "",
            "cut inside the header": head[:20],
            "cut after the header": head,
            "cut after the first dot": head + ".",
            "cut inside the payload": f"{head}.{payload[:20]}",
            "cut after the payload": f"{head}.{payload}",
            "cut after the second dot": f"{head}.{payload}.",
            "cut before the last character": good[:-1],
            "cut four characters from the end": good[:-4],
            "the payload is missing": f"{head}..{signature}",
            "a fourth part follows": f"{good}.{signature}",
            "a dot follows": good + ".",
            "four more signature characters follow": good + "AAAA",
            "a space follows": good + " ",
            "a newline follows": good + "\n",
            "a NUL follows": good + "\0",
            "a space comes first": " " + good,
            "a line break inside": f"{good[:64]}\n{good[64:]}",
            "a byte order mark comes first": "\ufeff" + good,
            "full-width letters": good.replace("e", "ｅ", 1),
            "padding after the signature": good + "==",
            "padding after the payload": f"{head}.{payload}{'=' * (-len(payload) % 4 or 1)}.{signature}",
            "the standard base64 alphabet": f"{head}.{payload}.{'+' + signature[1:]}",
            "spare bits set in the signature": good[:-1] + spare_bit(good[-1]),
            "an ordinary word": "please",
            "the JSON serialisation of JWS": json.dumps(
                {"protected": head, "payload": payload, "signature": signature}
            ),
        }
        for name, text in cut.items():
            self.bad("malformed_statement", name, text)
        odd = compact_json(self.claims)
        odd += b" " * (3 - len(odd) % 3 + 1)  # one byte over a multiple of three leaves four spare bits
        text = statement(self.purpose, odd, self.key)
        self.believed("white space inside the claims' JSON", text, self.claims, self.key)
        head, payload, _ = text.split(".")
        changed = f"{head}.{payload[:-1]}{spare_bit(payload[-1])}"
        text = f"{changed}.{b64(self.key.sign(changed.encode()))}"
        self.bad("malformed_statement", "spare bits set in the payload, signed so", text)

    def add_size(self) -> None:
        limit, payload = LIMITS[self.purpose], compact_json(self.claims)
        header = compact_json({"typ": self.purpose, "alg": "EdDSA", "kid": self.key.kid})
        while len(header) % 3:  # so that a payload can fill the limit exactly
            header += b" "
        while len(statement(self.purpose, payload, self.key, header)) < limit:
            payload += b" "
        longest = statement(self.purpose, payload, self.key, header)
        assert len(longest) == limit
        self.believed("exactly as long as the limit", longest, self.claims, self.key)
        longer = statement(self.purpose, payload + b" ", self.key, header)
        self.bad("statement_too_large", "longer than the limit, well signed", longer)
        self.bad("statement_too_large", "longer than the limit, of one letter", "A" * (limit + 1))

    def add_header(self) -> None:
        usual = {"typ": self.purpose, "alg": "EdDSA", "kid": self.key.kid}
        payload = compact_json(self.claims)

        def with_header(header: Json | bytes, sign: Sign | None = None) -> str:
            return statement(self.purpose, payload, self.key, header, sign)

        pem = self.key.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        wrong = {
            "alg none without a signature": with_header(usual | {"alg": "none"}, lambda _: b""),
            "alg none with a good signature": with_header(usual | {"alg": "none"}),
            "alg HS256 with the raw public key as secret": with_header(
                usual | {"alg": "HS256"}, lambda data: hmac.digest(self.key.public, data, "sha256")
            ),
            "alg HS256 with the public key's PEM as secret": with_header(
                usual | {"alg": "HS256"}, lambda data: hmac.digest(pem, data, "sha256")
            ),
            "alg ES256 with a good EdDSA signature": with_header(usual | {"alg": "ES256"}),
            "alg Ed25519, the newer name": with_header(usual | {"alg": "Ed25519"}),
            "alg eddsa in small letters": with_header(usual | {"alg": "eddsa"}),
            "a JSON Web Token of another system": with_header({"alg": "RS256", "typ": "JWT"}),
        }
        for name, text in wrong.items():
            self.bad("wrong_algorithm", name, text)
        extras: Json = {
            "crit": ["exp"],
            "b64": True,
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(self.key.public)},
            "jku": "https://example.org/keys",
            "x5c": ["AAAA"],
            "zip": "DEF",
            "cty": "JWT",
            "note": "",
        }
        for member, value in extras.items():
            self.bad("malformed_statement", f"the header has a member {member}", with_header(usual | {member: value}))
        for member in usual:
            less = {name: value for name, value in usual.items() if name != member}
            self.bad("malformed_statement", f"the header lacks {member}", with_header(less))
            self.bad("malformed_statement", f"the header's {member} is a number", with_header(usual | {member: 1}))
        twice = compact_json(usual)[:-1] + b',"alg":"EdDSA"}'
        raw = {
            "the header names alg twice": twice,
            "the header is a list": compact_json([usual]),
            "the header is no JSON": b"typ=x",
            "the header is not UTF-8": b'{"typ":"\xff"}',
            "the header is very deep": b'{"typ":' + b"[" * 300 + b"]" * 300 + b"}",
        }
        for name, header in raw.items():
            self.bad("malformed_statement", name, with_header(header))
        self.believed(
            "the header's members in another order", with_header(dict(reversed(usual.items()))), self.claims, self.key
        )
        other = CERTIFICATE if self.purpose == LICENCE_KEY else LICENCE_KEY
        for name, typ in {
            "signed as the other kind of statement": other,
            "typ JWT": "JWT",
            "typ with application/ before it": "application/" + self.purpose,
            "typ in capital letters": self.purpose.upper(),
        }.items():
            self.bad("wrong_purpose", name, with_header(usual | {"typ": typ}))

    def add_keys(self, wrong_key: Key) -> None:
        self.bad("unknown_key", "the key set is empty", self.text(), key_set="empty")
        self.bad("unknown_key", "signed by a stranger's key", self.text(key=STRANGER))
        self.bad("unknown_key", "signed by a key for the other purpose", self.text(key=wrong_key))
        header = {"typ": self.purpose, "alg": "EdDSA", "kid": self.key.kid[:-1] + spare_bit(self.key.kid[-1])}
        payload = compact_json(self.claims)
        self.bad(
            "unknown_key", "a key id with another last character", statement(self.purpose, payload, self.key, header)
        )
        self.bad("unknown_key", "an empty key id", statement(self.purpose, payload, self.key, header | {"kid": ""}))
        self.good("signed just when its key was retired", {"iat": RETIRED}, key=OLD)
        self.good("signed before its key was retired, checked a year later", key=OLD, now=NOW + 366 * 86_400)
        self.bad("retired_key", "signed a second after its key was retired", self.text({"iat": RETIRED + 1}, key=OLD))

    def add_signature(self) -> None:
        good = self.text()
        head, payload, signature = good.split(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        flipped = bytes([raw[0] ^ 1]) + raw[1:]
        malleable = raw[:32] + (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
        what, theft, change = self.forged
        stolen = b64(compact_json(self.claims | theft))
        other = self.text(change).split(".")[2]
        forged = {"typ": self.purpose, "alg": "EdDSA", "kid": BOTH.kid}
        texts = {
            "one bit of the signature flipped": f"{head}.{payload}.{b64(flipped)}",
            "the signature's S raised by the group order": f"{head}.{payload}.{b64(malleable)}",
            "a signature of zeros": f"{head}.{payload}.{b64(bytes(64))}",
            f"{what} written in afterwards": f"{head}.{stolen}.{signature}",
            "the signature of another statement": f"{head}.{payload}.{other}",
            "the key id of another known key": f"{b64(compact_json(forged))}.{payload}.{signature}",
            "claims that are no JSON under a bad signature": f"{head}.{b64(b'{')}.{signature}",
            "signed by a stranger under a known key id": statement(
                self.purpose, compact_json(self.claims), self.key, sign=STRANGER.sign
            ),
        }
        for name, text in texts.items():
            self.bad("bad_signature", name, text)

    def add_dates(self) -> None:
        self.good("dated five minutes ahead of this clock", now=ISSUED - 300)
        self.bad("not_yet_valid", "dated five minutes and a second ahead of this clock", self.text(), now=ISSUED - 301)
        self.good("believed a hundred years later", now=NOW + 100 * 365 * 86_400)
        for name, value in {
            "iat is a fraction": ISSUED + 0.5,
            "iat is a string": str(ISSUED),
            "iat is true": True,
            "iat is null": None,
            "iat is negative": -1,
            "iat is after the year 9999": 253_402_300_800,
            "iat has thirty digits": 10**29,
        }.items():
            self.claims_bad(name, {"iat": value})

    def add_claims(self) -> None:
        for name in self.claims:
            rest = {claim: value for claim, value in self.claims.items() if claim != name}
            self.bad(
                "invalid_claims", f"the claim {name} is missing", statement(self.purpose, compact_json(rest), self.key)
            )
            wrong: object = 1 if not isinstance(self.claims[name], int) else "1"
            self.claims_bad(f"the claim {name} has another type", {name: wrong})
        self.claims_bad("a claim nobody knows", {"exp": NOW})
        self.add_texts(
            {
                "sub": ["", "-L1", "L 1", "L/1", "../L1", "L" * 65, "Lé", "L1\n"],
                "product": ["", "CAD", "cad ", "ca/d", "..", "cad-", "c" * 65, "root", "сad"],
            }
        )

    def add_texts(self, texts: dict[str, list[str]]) -> None:
        for claim, values in texts.items():
            for value in values:
                self.claims_bad(f"{claim} is {ascii(value)[:40]}", {claim: value})

    def add_purchase(self) -> None:
        texts: dict[str, list[str]] = {
            "edition": ["", "Pro", "pro_x", "p" * 65, "pro\n"],
            "purchased_on": [
                "",
                "2026-02-30",
                "2026-2-3",
                "20261123",
                "2026-11-23T00:00:00Z",
                "2026-W48-1",
                "٢٠٢٦-11-23",
            ],
        }
        self.add_texts(texts)
        for seats in (0, -1, 1_000_001, 1.5, True, 10**20):
            self.claims_bad(f"seats is {seats}", {"seats": seats})
        self.good("a million seats", {"seats": 1_000_000})
        self.good("the purchase day is tomorrow in UTC, as it can be in Asia", {"purchased_on": "2026-11-24"})
        self.claims_bad("the purchase day is two days after the statement", {"purchased_on": "2026-11-25"})
        self.claims_bad("the purchase day is in the year 9999", {"purchased_on": "9999-12-31"})

    def add_json(self) -> None:
        good = compact_json(self.claims)
        claim, value = next(iter(self.forged[1].items()))
        more = compact_json(value)
        escaped = f"{claim[0]}\\u{ord(claim[1]):04x}{claim[2:]}".encode()
        nested = b"[" * self.deep[1] + b"]" * self.deep[1]
        number, was = self.number, f'"{self.number}":{self.claims[self.number]}'.encode()
        for name, payload in {
            f"the claims name {claim} twice": good[:-1] + b',"' + claim.encode() + b'":' + more + b"}",
            f"the claims name {claim} twice, once escaped": good[:-1] + b',"' + escaped + b'":' + more + b"}",
            "the claims are a list": b"[" + good + b"]",
            "the claims are a string": b'"active"',
            "the claims are no JSON": b"seats=3",
            "the claims are followed by more": good + b"{}",
            "the claims are not UTF-8": good.replace(b"cad", b"ca\xff"),
            "the claims begin with a byte order mark": b"\xef\xbb\xbf" + good,
            f"the claims have {number} NaN": good.replace(was, f'"{number}":NaN'.encode()),
            f"the claims have {number} Infinity": good.replace(was, f'"{number}":Infinity'.encode()),
            "the claims are nine deep": good[:-1] + b',"x":' + b"[" * 8 + b"]" * 8 + b"}",
            f"the claims are {self.deep[0]} hundred deep": good[:-1] + b',"x":' + nested + b"}",
            "the claims have a comment": good[:-1] + b"/* */}",
            "the claims have a comma too many": good[:-1] + b",}",
        }.items():
            self.bad("malformed_statement", name, statement(self.purpose, payload, self.key))


def spare_bit(last: str) -> str:
    """The base64url character with the lowest, unused bit changed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(last) ^ 1]


def licence_keys() -> Json:
    cases = Cases(LICENCE_KEY, ONE, LICENCE)
    cases.good("a licence key")
    cases.good("another key of the same set", key=TWO)
    cases.good("a key for both purposes", key=BOTH)
    cases.good("one seat, the longest names", {"sub": "L" * 64, "product": "p" * 64, "edition": "e" * 64, "seats": 1})
    cases.good("bought on 29 February, long before the key was made", {"purchased_on": "2024-02-29"})
    cases.add_form()
    cases.add_size()
    cases.add_header()
    cases.add_keys(wrong_key=SEAL)
    cases.add_signature()
    cases.add_dates()
    cases.add_claims()
    cases.add_purchase()
    cases.add_json()
    cases.bad("wrong_purpose", "an SMP certificate", statement(CERTIFICATE, compact_json(COVER), SEAL))
    cases.bad("unknown_key", "signed by a key for activations only", cases.text(key=DOOR), key_set="each its own")
    good = cases.text()
    lines = "\n".join(good[i : i + 60] for i in range(0, len(good), 60))
    pasted = {
        "as it is": good,
        "white space around it": f"  {good} \r\n",
        "lines broken by a mail program": lines.replace("\n", "\r\n "),
        "tabs and no-break spaces": good.replace(".", "\t.\u00a0"),
        "invisible characters": "\ufeff" + "\u200b".join((good[:9], good[9:])) + "\u2060\u00ad\0",
    }
    return {
        "schema": 1,
        "purpose": LICENCE_KEY,
        "key_sets": KEY_SETS,
        "cases": cases.cases,
        "pasted": [{"name": name, "pasted": text, "text": good} for name, text in pasted.items()],
    }


def certificates() -> Json:
    cases = Cases(CERTIFICATE, SEAL, COVER)
    cases.good("a certificate")
    cases.good("a key for both purposes", key=BOTH)
    cases.good("never supported", {"periods": [], "grants": []})
    cases.good("suspended", {"status": "suspended"})
    cases.good("revoked, service packs follow", {"status": "revoked", "service_packs": "follow"})
    cases.good(
        "a period of one day, and one from the day after",
        {"periods": [["2027-01-01"] * 2, ["2027-01-02", "2027-02-28"]]},
    )
    cases.good(
        "pre-release, post-release and four-part versions",
        {"grants": [{"version": v} for v in ("4.3b1", "4.2.post1", "4.2.0.7")]},
    )
    cases.good("a line of years", {"grants": [{"line": "2026.11"}, {"line": "0.0"}]})
    cases.good("at its refresh instant", now=REFRESH)
    cases.good("a second after its refresh instant: stale, still believed", now=REFRESH + 1)
    cases.add_form()
    cases.add_size()
    cases.add_header()
    cases.add_keys(wrong_key=ONE)
    cases.add_signature()
    cases.add_dates()
    cases.add_claims()
    cases.add_purchase()
    cases.add_json()
    cases.bad("wrong_purpose", "a licence key", statement(LICENCE_KEY, compact_json(LICENCE), ONE))
    cases.bad("wrong_purpose", "an activation", statement(ACTIVATION, compact_json(SEAT), SEAL))
    cases.bad("unknown_key", "signed by a key for activations only", cases.text(key=DOOR), key_set="each its own")
    day = ["2027-01-01", "2027-12-31"]
    for name, periods in {
        "periods that overlap": [day, ["2027-12-31", "2028-12-30"]],
        "periods out of order": [["2028-01-01", "2028-12-31"], day],
        "the same period twice": [day, day],
        "a period that ends before it starts": [day[::-1]],
        "a period of three days": [[*day, "2028-12-31"]],
        "a period without an end": [day[:1]],
        "a period with null as end": [[day[0], None]],
        "a period as an object": [{"starts_on": day[0], "ends_on": day[1]}],
        "a period as text": ["2027-01-01/2027-12-31"],
        "a period with a day that does not exist": [["2027-02-29", "2028-02-28"]],
        "periods as an object": {"0": day},
    }.items():
        cases.claims_bad(name, {"periods": periods})
    for name, grant in {
        "a grant as text": "7.0.1",
        "an empty grant": {},
        "a grant of a version and a line": {"version": "7.0.1", "line": "7.0"},
        "a grant of something unknown": {"major": 7},
        "a grant of a version that is a number": {"version": 7.0},
        "a grant of a version with a local part": {"version": "7.0.1+x"},
        "a grant of a version in another spelling": {"version": "v7.0.1"},
        "a grant of a version with a space": {"version": " 7.0.1"},
        "a grant of a pre-release in another spelling": {"version": "7.0-beta1"},
        "a grant of no version": {"version": "seven"},
        "a grant of a line with three parts": {"line": "7.0.1"},
        "a grant of a line with leading zeros": {"line": "07.1"},
        "a grant of half a line": {"line": "7"},
    }.items():
        cases.claims_bad(name, {"grants": [grant]})
    cases.claims_bad("a status nobody knows", {"status": "expired"})
    cases.claims_bad("a status in capitals", {"status": "ACTIVE"})
    cases.claims_bad("service packs set to nothing known", {"service_packs": "always"})
    cases.claims_bad("refresh_by at the instant of issue", {"refresh_by": ISSUED})
    return {
        "schema": 1,
        "purpose": CERTIFICATE,
        "key_sets": KEY_SETS,
        "cases": cases.cases,
        "pairs": [pair(cases, *case) for case in PAIRS],
    }


class ActivationCases(Cases):
    forged = ("another machine", {"machine": "f" * 64}, {"machine": "0" * 64})
    number = "iat"
    deep = ("four", 400)  # more would be too large


def activations() -> Json:
    """Signed with a key of certificates, as servers do."""
    cases = ActivationCases(ACTIVATION, SEAL, SEAT)
    cases.good("an activation")
    cases.good("a seat that does not expire", {"valid_until": None})
    cases.good("activated at the instant of the statement", {"activated_at": ISSUED})
    cases.good("valid until the instant of the statement, read then", {"valid_until": ISSUED}, now=ISSUED)
    cases.good("at the last instant of its seat", now=REFRESH)
    cases.good("a second later: over, still genuine", now=REFRESH + 1)
    cases.good("a seat that does not expire, a hundred years later", {"valid_until": None}, now=NOW + 36_500 * 86_400)
    cases.good("a key for licence keys and certificates", key=BOTH)
    cases.good("a key for certificates only", key_set="each its own")
    cases.good("a key for activations only", key=DOOR, key_set="each its own")
    cases.good("the longest names", {"sub": "L" * 64, "product": "p" * 64})
    cases.add_form()
    cases.add_size()
    cases.add_header()
    cases.add_keys(wrong_key=ONE)
    cases.add_signature()
    cases.add_dates()
    cases.add_claims()
    cases.add_json()
    cases.bad("wrong_purpose", "a licence key", statement(LICENCE_KEY, compact_json(LICENCE), ONE))
    cases.bad("wrong_purpose", "an SMP certificate", statement(CERTIFICATE, compact_json(COVER), SEAL))
    good = str(SEAT["machine"])
    for name, value in {
        "empty": "",
        "a character too short": good[:-1],
        "a character too long": good + "0",
        "in capital letters": good.upper(),
        "no hexadecimal": "g" * 64,
        "followed by a newline": good + "\n",
        "of Arabic digits": "\u0660" * 64,
    }.items():
        cases.claims_bad(f"machine is {name}", {"machine": value})
    cases.claims_bad("activated_at is null", {"activated_at": None})
    cases.claims_bad("activated after the statement was made", {"activated_at": ISSUED + 1})
    cases.claims_bad("over before the statement was made", {"valid_until": ISSUED - 1})
    for claim in ("activated_at", "valid_until"):
        instants: dict[str, object] = {
            "a fraction": ISSUED + 0.5,
            "true": True,
            "negative": -1,
            "after the year 9999": 253_402_300_800,
        }
        for name, instant in instants.items():
            cases.claims_bad(f"{claim} is {name}", {claim: instant})
    return {
        "schema": 1,
        "purpose": ACTIVATION,
        "key_sets": KEY_SETS,
        "cases": cases.cases,
        "machines": [
            {"licence_id": licence_id, "machine_id": machine_id, "machine": machine(licence_id, machine_id)}
            for licence_id, machine_id in MACHINES
        ],
        "pairs": [held(cases, *case) for case in HELD],
    }


MACHINES = [
    (str(LICENCE["sub"]), MACHINE_ID),
    ("L-2026-000418", MACHINE_ID),
    (str(LICENCE["sub"]), "win32:8c0b5b0e-6f0d-4f0e-9a43-3d0c2b1a0f9e"),
    (str(LICENCE["sub"]), "darwin:5d3f1c2a-0b9e-5a77-8c44-e1f2a3b4c5d6"),
    (str(LICENCE["sub"]), "kept:2f1e0d3c4b5a69788796a5b4c3d2e1f0"),
]
"""As docs/seats.md says where the id of a machine comes from."""

HELD: list[tuple[str, Json, str]] = [
    ("this machine's, of this licence", {}, ""),
    ("over: what to do about it is the product's choice", {"valid_until": ISSUED}, ""),
    ("another licence's", {"sub": "L-2026-000418"}, "invalid_claims"),
    ("another product's", {"product": "cam"}, "invalid_claims"),
    ("another machine's", {"machine": machine(str(LICENCE["sub"]), "linux:" + "f" * 32)}, "invalid_claims"),
]


def held(cases: Cases, name: str, changes: Json, error: str) -> Json:
    """An activation that is good by itself, and whether it is this machine's."""
    expect: Json = {"error": error} if error else {"ok": {}}
    texts = {"licence_key": statement(LICENCE_KEY, compact_json(LICENCE), ONE), "activation": cases.text(changes)}
    return {"name": name} | texts | {"machine_id": MACHINE_ID, "key_set": "usual", "now": NOW, "expect": expect}


PAIRS: list[tuple[str, Json, str]] = [
    ("the same licence", {}, ""),
    ("the same licence with more seats", {"seats": 9}, ""),
    ("another licence", {"sub": "L-2026-000418"}, "invalid_claims"),
    ("another product", {"product": "cam"}, "invalid_claims"),
    ("another edition", {"edition": "lite"}, "invalid_claims"),
    ("another purchase day", {"purchased_on": "2026-11-22"}, "invalid_claims"),
]


def pair(cases: Cases, name: str, changes: Json, error: str) -> Json:
    expect: Json = {"error": error} if error else {"ok": {}}
    key = statement(LICENCE_KEY, compact_json(LICENCE), ONE)
    texts = {"licence_key": key, "certificate": cases.text(changes)}
    return {"name": name} | texts | {"key_set": "usual", "now": NOW, "expect": expect}


def key_sets() -> Json:
    def of(*keys: object, **more: object) -> bytes:
        return json.dumps({"schema": 1, "keys": list(keys)} | more).encode()

    jwk = ONE.jwk(LICENCE_KEY)
    one: Json = {"kid": ONE.kid, "purposes": [LICENCE_KEY], "retired_at": None}
    short = {"x": b64(ONE.public[:31])}
    short |= {"kid": b64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{short["x"]}"}}'.encode()).digest())}
    rsa = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r", "use": "sig"}
    good: list[tuple[str, bytes, list[Json]]] = [
        ("one key", of(jwk), [one]),
        ("no key", of(), []),
        (
            "several keys, one retired",
            json.dumps(KEY_SETS["usual"]).encode(),
            [known(k) for k in KEY_SETS["usual"]["keys"]],
        ),
        ("a key for activations", of(DOOR.jwk(ACTIVATION)), [known(DOOR.jwk(ACTIVATION))]),
        ("an unknown member of a key is passed over", of(jwk | {"note": [1]}), [one]),
        ("an unknown member of the set is passed over", of(jwk, comment="x"), [one]),
        ("a key of another kind is passed over", of(rsa, jwk), [one]),
        ("a key on another curve is passed over", of(jwk | {"crv": "Ed448"}, jwk), [one]),
        ("a key with unknown purposes only is passed over", of(TWO.jwk("tenure-receipt+jws"), jwk), [one]),
        ("an unknown purpose beside a known one is passed over", of(ONE.jwk("tenure-receipt+jws", LICENCE_KEY)), [one]),
    ]
    bad: dict[str, bytes] = {
        "nothing at all": b"",
        "no JSON": b"keys",
        "not UTF-8": b'{"schema":1,"keys":[],"x":"\xff"}',
        "a list": b"[" + of(jwk) + b"]",
        "text after the object": of(jwk) + b"}",
        "a name twice": of(jwk)[:-1] + b',"keys":[]}',
        "another schema": of(jwk, schema=2),
        "schema true": of(jwk, schema=True),
        "no schema": json.dumps({"keys": [jwk]}).encode(),
        "no keys": b'{"schema":1}',
        "keys as an object": of(keys={"0": jwk}),
        "a key as text": of("x"),
        "a key without kty": of({name: value for name, value in jwk.items() if name != "kty"}),
        "the same key twice": of(jwk, jwk),
        "the same key twice for different purposes": of(jwk, ONE.jwk(CERTIFICATE)),
        "a key id that is not the thumbprint": of(jwk | {"kid": TWO.kid}),
        "a shortened key id": of(jwk | {"kid": ONE.kid[:16]}),
        "no key id": of({name: value for name, value in jwk.items() if name != "kid"}),
        "x too short": of(jwk | short),
        "x with padding": of(jwk | {"x": jwk["x"] + "="}),
        "x with spare bits set": of(jwk | {"x": jwk["x"][:-1] + spare_bit(jwk["x"][-1])}),
        "x missing": of({name: value for name, value in jwk.items() if name != "x"}),
        "x a number": of(jwk | {"x": 1}),
        "alg missing": of({name: value for name, value in jwk.items() if name != "alg"}),
        "alg Ed25519": of(jwk | {"alg": "Ed25519"}),
        "use enc": of(jwk | {"use": "enc"}),
        "no purposes": of({name: value for name, value in jwk.items() if name != "purposes"}),
        "an empty list of purposes": of(ONE.jwk()),
        "purposes as text": of(jwk | {"purposes": LICENCE_KEY}),
        "a purpose that is a number": of(jwk | {"purposes": [LICENCE_KEY, 1]}),
        "retired_at null": of(jwk | {"retired_at": None}),
        "retired_at as text": of(jwk | {"retired_at": "2026-11-23"}),
        "retired_at a fraction": of(jwk | {"retired_at": 1.5}),
        "retired_at negative": of(jwk | {"retired_at": -1}),
        "a private key": of(jwk | {"d": b64(bytes(32))}),
        "a shared secret": of({"kty": "oct", "k": "AAAA"}, jwk),
        "nested too deeply": of(jwk, x=json.loads("[" * 8 + "]" * 8)),
        "larger than 64 KiB": of(jwk) + b" " * 65_536,
    }
    cases: list[Json] = [{"name": name, "base64": to_b64(data), "expect": {"ok": keys}} for name, data, keys in good]
    cases += [
        {"name": name, "base64": to_b64(data), "expect": {"error": "invalid_key_set"}} for name, data in bad.items()
    ]
    return {"schema": 1, "cases": cases}


def to_b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def known(jwk: Json) -> Json:
    return {"kid": jwk["kid"], "purposes": sorted(jwk["purposes"]), "retired_at": jwk.get("retired_at")}


def files() -> dict[str, str]:
    """The text of each vector file by name."""
    made = {
        "licence_keys.json": licence_keys(),
        "certificates.json": certificates(),
        "activations.json": activations(),
        "key_sets.json": key_sets(),
    }
    return {name: json.dumps(content, indent=1) + "\n" for name, content in made.items()}


if __name__ == "__main__":
    for file_name, text in files().items():
        (Path(__file__).parent / file_name).write_text(text, encoding="ascii")
