"""What the package promises to those who import it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
import subprocess
import sys

import pytest

import tenure_client
from tenure_client import answers, errors
from tenure_client.configuration import origin_of
from tenure_client.errors import TenureClientError, UnsafeRedirect
from tenure_client.transport import Transport
from tests.client_sdk.vendor import QUICK


def test_the_package_exports_exactly_this() -> None:
    assert tenure_client.__all__ == [
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
    assert all(hasattr(tenure_client, name) for name in tenure_client.__all__)


def test_a_client_has_these_methods_and_no_others() -> None:
    public = [name for name in vars(tenure_client.Client) if not name.startswith("_")]
    assert sorted(public) == [
        "activate",
        "activation",
        "check",
        "deactivate",
        "download",
        "download_from_bundle",
        "download_release",
        "download_side_file",
        "kept_answer",
        "licence",
        "open",
        "product",
        "report",
        "set_licence_key",
        "verify_bundle",
        "verify_file",
    ]


def test_the_version_is_the_distributions() -> None:
    assert tenure_client.__version__ == importlib.metadata.version("tenure-client")


def test_every_error_is_one_sentence_and_in_the_tree_of_the_docstring() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert errors.__doc__ is not None
    for kind in kinds:
        assert issubclass(kind, TenureClientError)
        assert kind.__name__ in errors.__doc__
        assert inspect.getdoc(kind)


def test_every_answer_is_frozen() -> None:
    for _, kind in inspect.getmembers(answers, dataclasses.is_dataclass):
        assert vars(kind)["__dataclass_params__"].frozen


@pytest.mark.parametrize(
    "heavy", ["tuf", "cryptography", "joserfc", "urllib3", "http.client", "securesystemslib", "rich"]
)
def test_a_product_that_imports_the_client_does_not_load_everything(heavy: str) -> None:
    program = f"import sys, tenure_client; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("location", ["http://updates.example.com/x", "http://127.0.0.1/x", "HTTP://store.example/"])
def test_a_redirect_from_https_to_plain_http_is_refused(location: str) -> None:
    with Transport("https://updates.example.com", QUICK) as transport, pytest.raises(UnsafeRedirect):
        transport._next_url("https://updates.example.com/downloads/x", location)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://updates.example.com/t/v1/licence", True),
        ("https://UPDATES.example.com:443/t/downloads/cad/1/x?a=b", True),
        ("https://updates.example.com/t/metadata/1.root.json", True),
        ("https://updates.example.com/t/store/x", False),
        ("https://updates.example.com/v1/licence", False),
        ("https://updates.example.com/t/v1/../store/x", False),
        ("https://updates.example.com/t/v1/%2e%2e/store/x", False),
        ("https://updates.example.com/t/v1//x", False),
        ("https://updates.example.com:8443/t/v1/licence", False),
        ("https://updates.example.com.evil.example/t/v1/licence", False),
        ("https://evil.example/t/v1/licence", False),
        ("http://updates.example.com/t/v1/licence", False),
    ],
)
def test_only_the_servers_own_paths_may_see_the_licence_key(url: str, may: bool) -> None:
    with Transport("https://updates.example.com/t", QUICK) as transport:
        assert transport._may_see_licence_key(url) is may


@pytest.mark.parametrize(
    "url", ["https://a b", "https://a@b", "https://", "//x", "mailto:x", "https://x:99999", "https://[::"]
)
def test_an_address_is_http_without_user_name_or_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|port|IPv6"):
        origin_of(url)


def test_a_proxy_of_the_environment_is_used_except_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intern.example")
    with Transport("https://updates.example.com", QUICK) as transport:
        proxied = ["https://updates.example.com", "https://intern.example", "https://127.0.0.1"]
        pools = [transport._pool(origin_of(url)) for url in proxied]
    assert [pool.proxy is not None for pool in pools] == [True, False, False]


def test_loopback_is_known_by_name_and_number() -> None:
    assert all(origin_of(f"http://{host}:80").is_loopback for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]"))
    assert not any(
        origin_of(f"http://{host}").is_loopback for host in ("example.com", "10.0.0.1", "localhost.evil.example")
    )
