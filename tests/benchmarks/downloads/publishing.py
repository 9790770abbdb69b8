"""Publishing a large build to a real S3 server, beside ``aws s3 cp`` of the same file to the same server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.downloads.costs import Cost, cost_of
from tests.benchmarks.downloads.shop import MACHINE, new_operator
from tests.server.cli.at_the_terminal import PROGRAM, Operator
from tests.services.swift import S3Server, running_swift, swift_scripts


@dataclass(frozen=True, slots=True)
class Publishing:
    """An installation that keeps its builds in the bucket of a server."""

    s3: S3Server
    bucket: str
    operator: Operator
    directory: Path

    def ours(self, file: Path, version: str) -> Cost:
        """``tenure publish``: hashed, uploaded, read back, signed."""
        facts = ("--product", "cad", "--version", version, "--platform", MACHINE)
        command = [str(PROGRAM), "publish", str(file), *facts]
        environment = {**self.operator.environment, "PYTHONPYCACHEPREFIX": str(self.directory / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: compiled once
        return cost_of(command, environment=environment, directory=self.directory)

    def by_aws(self, file: Path, name: str) -> Cost:
        """``aws s3 cp`` as it comes: uploaded."""
        return cost_of(
            [
                "aws",
                "--endpoint-url",
                self.s3.endpoint_url,
                "s3",
                "cp",
                "--only-show-errors",
                str(file),
                self._url(name),
            ],
            environment=self._credentials(),
            directory=self.directory,
        )

    def _url(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"

    def _credentials(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ACCESS_KEY_ID": self.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_key,
            "AWS_DEFAULT_REGION": self.s3.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def publishing(directory: Path) -> Iterator[Publishing]:
    with running_swift() as s3:
        bucket = s3.new_bucket()
        settings = {
            "TENURE_S3_BUCKET": bucket,
            "TENURE_S3_ENDPOINT_URL": s3.endpoint_url,
            "TENURE_S3_REGION": s3.region,
            "TENURE_S3_ACCESS_KEY_ID": s3.access_key,
            "TENURE_S3_SECRET_ACCESS_KEY": s3.secret_key,
        }
        yield Publishing(s3, bucket, new_operator(directory / "publisher", settings), directory)


def aws_is_here() -> bool:
    """Whether the command works, whatever stands in its place."""
    program = shutil.which("aws")
    return (
        program is not None and subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    )


def swift_is_here() -> bool:
    return swift_scripts() is not None
