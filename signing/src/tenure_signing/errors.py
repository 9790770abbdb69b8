"""Everything ``tenure_signing`` raises.

SigningError
├── InvalidName             a product, edition, channel, platform or file name outside its alphabet
├── InvalidVersion          a version that cannot be ordered, or carries a local part (``+``)
├── InvalidDay              a calendar day that is not YYYY-MM-DD or does not exist
├── InvalidStatement        a signed text that must not be believed
│   ├── StatementTooLarge
│   ├── MalformedStatement  not three base64url parts, not a JSON object, trailing data
│   ├── WrongAlgorithm
│   ├── WrongPurpose        a certificate where a licence key was expected, and so on
│   ├── UnknownKey          no public key has this key id
│   ├── RetiredKey          signed after its key was retired
│   ├── BadSignature
│   ├── NotYetValid         dated in the future
│   └── InvalidClaims       signed, but the claims are missing, of the wrong type or contradictory
├── InvalidKeySet           a key set that cannot be used as a whole
├── InvalidReleaseRecord    the signed facts of a release do not fit RULES.md or the target's path
├── KeySourceError          a private key cannot be read, decrypted or written
├── InvalidPublicKey        a public key file that cannot be used
└── PublishingError         TUF metadata that must not be published
    ├── InvalidDraft        a draft file that cannot be used, reviewed or signed
    ├── ImmutableRelease    a published path or fact would change
    ├── NotEnoughSignatures
    └── PreflightFailed     a real client refuses the staged metadata

No message holds a key, a token or a passphrase. ``code`` is the stable name of a refusal in the conformance vectors.
"""

from typing import ClassVar


class SigningError(Exception):
    """Base of all errors of this distribution."""


class InvalidName(SigningError, ValueError):
    """A product, edition, channel, platform or file name is outside its alphabet or length."""


class InvalidVersion(SigningError, ValueError):
    """The version cannot be parsed, is too long or carries a local part."""


class InvalidDay(SigningError, ValueError):
    """The day is not written YYYY-MM-DD or does not exist."""


class InvalidStatement(SigningError):
    """The signed text must not be believed."""

    code: ClassVar[str] = "invalid_statement"


class StatementTooLarge(InvalidStatement):
    """The signed text is longer than any genuine one; it was not parsed."""

    code = "statement_too_large"


class MalformedStatement(InvalidStatement):
    """The text is not a compact JWS with canonical base64url parts and JSON objects inside."""

    code = "malformed_statement"


class WrongAlgorithm(InvalidStatement):
    """The text names an algorithm other than EdDSA."""

    code = "wrong_algorithm"


class WrongPurpose(InvalidStatement):
    """The text was signed for another purpose."""

    code = "wrong_purpose"


class UnknownKey(InvalidStatement):
    """No public key with the text's key id is known for this purpose."""

    code = "unknown_key"


class RetiredKey(InvalidStatement):
    """The text says it was signed after its key had been retired."""

    code = "retired_key"


class BadSignature(InvalidStatement):
    """The signature does not belong to this text."""

    code = "bad_signature"


class NotYetValid(InvalidStatement):
    """The text is dated in the future."""

    code = "not_yet_valid"


class InvalidClaims(InvalidStatement):
    """The text is signed, but its claims are missing, of the wrong type or contradictory."""

    code = "invalid_claims"


class InvalidKeySet(SigningError):
    """The set of public keys cannot be used."""

    code: ClassVar[str] = "invalid_key_set"


class InvalidReleaseRecord(SigningError):
    """The signed facts of a release do not fit RULES.md or the path of their target."""


class KeySourceError(SigningError):
    """A private key cannot be read, decrypted or written."""


class PublishingError(SigningError):
    """The TUF metadata must not be published."""


class InvalidPublicKey(SigningError):
    """A public key file is malformed, or of a kind that signs no metadata here."""


class InvalidDraft(PublishingError):
    """A draft file is malformed, contradicts itself, or does not rest on signed metadata."""


class ImmutableRelease(PublishingError):
    """Something already published would change."""


class NotEnoughSignatures(PublishingError):
    """A role is signed by fewer keys than its threshold asks for."""


class PreflightFailed(PublishingError):
    """A real TUF client refuses the staged metadata."""
