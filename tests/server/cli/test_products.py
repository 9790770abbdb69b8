"""``tenure product``."""

from __future__ import annotations

import os

import pytest

from tests.server.cli.at_the_terminal import Operator
from tests.services.softhsm import PIN, SoftHsm

PUBLISH = ("publish", "--product", "cad", "--version", "1.0", "--platform", "any")
ADD = ("product", "add", "cad", "--edition", "pro", "--edition", "lite", "--title", "Harbour CAD")


def test_adding_a_product_tells_its_editions_channels_and_key(operator: Operator) -> None:
    said = operator.did("product", "add", "cam", "--edition", "std", "--channel", "stable", "--channel", "nightly").out
    assert said.splitlines()[0] == "Added cam."
    assert "stable, nightly" in said
    assert str(operator.data_dir / "keys" / "offline" / "product-cam.pem") in said


def test_the_products_are_listed_for_people_and_for_programs(operator: Operator) -> None:
    columns, line = operator.did("product", "list").out.splitlines()
    assert columns.split() == ["PRODUCT", "TITLE", "EDITIONS", "CHANNELS", "SERVICE", "PACKS", "AFTER", "LAPSE"]
    assert line.split("  ")[:3] == ["cad", "    Harbour CAD", "pro, lite"] or "Harbour CAD" in line
    assert operator.did("product", "list", "--json").json == [
        {
            "name": "cad",
            "title": "Harbour CAD",
            "editions": ["pro", "lite"],
            "channels": ["stable", "beta", "alpha"],
            "service_packs": "period",
            "lapse": "closed",
            "notes_language": "en",
        }
    ]


def test_the_same_again_confirms_and_needs_no_passphrase(operator: Operator) -> None:
    again = operator.did(*ADD, "--json", TENURE_PASSPHRASE_FILE=None)
    assert again.json["is_new"] is False
    assert operator.did(*ADD).out.startswith("Added before: cad.")
    assert operator.audit_trail("cad") == ["product.add"]


def test_a_product_of_that_name_with_other_settings_is_refused(operator: Operator) -> None:
    refused = operator.run("product", "add", "cad", "--edition", "max")
    assert refused.code == 1
    assert "cad already, with other settings" in refused.error
    assert "tenure product list" in refused.hint


def test_a_wrong_passphrase_adds_nothing_and_leaves_no_key(operator: Operator) -> None:
    operator.passphrase_file.write_text("another horse, another battery")
    refused = operator.run("product", "add", "cam", "--edition", "std")
    assert refused.code == 1
    assert "passphrase is wrong" in refused.error
    assert "another horse" not in refused.err
    assert not list(operator.data_dir.rglob("product-cam.pem"))
    assert len(operator.did("product", "list", "--json").json) == 1


def test_a_product_whose_key_was_made_before_the_plug_was_pulled_is_added_with_it(operator: Operator) -> None:
    """As after a kill between making the key and the end of the transaction."""
    keys = operator.installation().keys
    from tenure_signing.names import ProductName

    keys.make_product_key(ProductName("cam"), operator.passphrase_file.read_bytes().rstrip)
    key = keys.product_key_path(ProductName("cam")).read_bytes()
    operator.did("product", "add", "cam", "--edition", "std")
    assert keys.product_key_path(ProductName("cam")).read_bytes() == key


def test_when_the_targets_key_is_on_another_machine_it_is_named(operator: Operator) -> None:
    targets = operator.data_dir / "keys" / "offline" / "targets.pem"
    targets.unlink()
    refused = operator.run("product", "add", "cam", "--edition", "std")
    assert str(targets) in refused.error


@pytest.mark.parametrize("name", ["Cad", "-cad", "../cad", "c" * 100, "cad pro", "root", ""])
def test_a_name_outside_the_alphabet_is_a_usage_error(operator: Operator, name: str) -> None:
    refused = operator.run("product", "add", "--edition", "pro", "--", name)
    assert refused.code == 2
    assert "NAME" in refused.error


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--edition", "pro", "--edition", "pro"), "named twice"),
        (("--edition", "Pro!"), "--edition"),
        ((), "missing option '--edition'"),
        (("--edition", "pro", "--lapse", "sometimes"), "'sometimes'"),
        (("--edition", "pro", "--service-packs", "maybe"), "'maybe'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(operator: Operator, options: tuple[str, ...], problem: str) -> None:
    refused = operator.run("product", "add", "cam", *options)
    assert refused.code in (1, 2)
    assert problem in refused.error


def test_where_there_is_no_product_yet_the_list_says_how_to_make_one(newcomer: Operator) -> None:
    newcomer.did("init")
    assert "tenure product add" in newcomer.did("product", "list").out
    assert newcomer.did("product", "list", "--json").json == []


def test_a_product_whose_keys_are_on_tokens_never_needs_a_key_file(newcomer: Operator, softhsm: SoftHsm) -> None:
    newcomer.passphrase_file.write_text(PIN)
    newcomer.settings = {name: os.environ[name] for name in ("PYKCS11LIB", "SOFTHSM2_CONF")}
    newcomer.did("init")
    uris = [softhsm.new_key(number) for number in (61, 62)]
    keys = [word for uri in uris for word in ("--key", uri)]
    unsafe = newcomer.run("product", "add", "cad", "--edition", "pro", *keys, "--threshold", "3")
    assert "3 of 2 keys cannot sign a role" in unsafe.error
    added = newcomer.did("product", "add", "cad", "--edition", "pro", *keys, "--threshold", "2", "--json")
    assert added.json["key"] is None
    assert not list(newcomer.data_dir.rglob("product-cad.pem"))
    assert "signed by 1 of the 2 keys" in newcomer.run(*PUBLISH, newcomer.build("cad-1.0.zip"), *keys[:2]).error
    newcomer.did(*PUBLISH, newcomer.build("cad-1.0.zip"), *keys)
    withdraw = ("withdraw", "--product", "cad", "--version", "1.0", "--reason", "crashes")
    assert "signed by 1 of the 2 keys" in newcomer.run(*withdraw, *keys[2:]).error
    assert newcomer.did(*withdraw, *keys).out == "Withdrew cad 1.0.\n"


def test_targets_may_be_signed_with_a_key_named_by_uri(operator: Operator) -> None:
    kept = operator.data_dir / "keys" / "offline" / "targets.pem"
    elsewhere = kept.rename(operator.directory / "targets-on-a-stick.pem")
    engineer = operator.directory / "eng.pem"
    operator.did("keys", "new", engineer)
    refused = operator.run("product", "add", "cam", "--edition", "std", "--key", engineer)
    assert refused.code == 1
    operator.did("product", "add", "cam", "--edition", "std", "--key", engineer, "--targets-key", f"file:{elsewhere}")
    assert not list(operator.data_dir.rglob("product-cam.pem"))
