"""Keeps an installed product up to date inside its support period: ``from tenure_client import Client``.

The product embeds one thing, the first TUF ``root.json``; everything else is verified from there. Errors are in
``tenure_client.errors``; all of them are ``TenureClientError``.
"""

from tenure_client.answers import (
    ActivationInfo,
    Bundle,
    BundledRelease,
    InstalledRelease,
    KeptReason,
    LicenceInfo,
    NewestRelease,
    OfferedRelease,
    Renewal,
    RenewalOption,
    Source,
    Support,
    UpdateAnswer,
)
from tenure_client.client import Client
from tenure_client.errors import TenureClientError
from tenure_signing.update_choice import UpdateStatus

__version__ = "0.1.0"

__all__ = [
    "ActivationInfo",
    "Bundle",
    "BundledRelease",
    "Client",
    "InstalledRelease",
    "KeptReason",
    "LicenceInfo",
    "NewestRelease",
    "OfferedRelease",
    "Renewal",
    "RenewalOption",
    "Source",
    "Support",
    "TenureClientError",
    "UpdateAnswer",
    "UpdateStatus",
    "__version__",
]
