"""A PKCS#11 token in software: Debian's SoftHSM, with keys of its own, gone at the end of the session."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.leaving_out import leave_out

LABEL = "tenure-tests"
PIN = "a pin of 21 letters!!"
P256, P384 = "secp256r1", "secp384r1"
_LIBRARIES = ("lib/softhsm/libsofthsm2.so", "lib/*/softhsm/libsofthsm2.so")


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """A token. The environment names its library while the fixture lives."""

    library: Path

    def new_key(self, number: int, curve: str = P256) -> str:
        """Make an ECDSA key on the token; its URI."""
        import pkcs11
        from pkcs11.util import biginteger
        from pkcs11.util.ec import encode_named_curve_parameters

        token = pkcs11.lib(str(self.library)).get_token(token_label=LABEL)
        with token.open(rw=True, user_pin=PIN) as session:
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
            )
            parameters.generate_keypair(
                mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN, store=True, id=biginteger(number), label=f"key {number}"
            )
        return f"hsm:{number}?label={LABEL}"


@contextmanager
def running_softhsm() -> Iterator[SoftHsm]:
    """Make a token; remove it however the tests went."""
    library, program = _library(), shutil.which("softhsm2-util")
    if library is None or program is None:
        leave_out("SoftHSM", "not installed")
    if importlib.util.find_spec("pkcs11") is None:
        leave_out("SoftHSM", "no python-pkcs11: pip install 'securesystemslib[hsm]'")
    directory = Path(tempfile.mkdtemp(prefix="tenure-softhsm-"))
    try:
        (directory / "tokens").mkdir()
        (directory / "softhsm2.conf").write_text(
            f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SOFTHSM2_CONF", str(directory / "softhsm2.conf"))
            environment.setenv("PYKCS11LIB", str(library))
            subprocess.run(
                [program, "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN],
                env=os.environ.copy(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            )
            yield SoftHsm(library)
    finally:
        shutil.rmtree(directory)


def _library() -> Path | None:
    return next((found for pattern in _LIBRARIES for found in sorted(Path("/usr").glob(pattern))), None)
