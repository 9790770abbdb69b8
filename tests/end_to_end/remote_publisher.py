"""A server with products in it, and an engineer who publishes to it over HTTP from another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from securesystemslib.signer import Signer

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.adapters.publishing_server import HttpPublishingServer
from tenure_server.adapters.s3_store import S3Settings, S3Store, s3_store
from tenure_server.app import create_app
from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.publishing import PartLink, PublishingPlan, UploadState
from tenure_server.use_cases.api_tokens import CreatedToken, TokenWish
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.ports import UploadStore
from tenure_server.use_cases.publish import FileToPublish, Published, PublishRequest
from tenure_server.use_cases.publish_remotely import PublishRemotely
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, FileName, ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_verified import verified_server
from tenure_signing.versions import Version
from tests.server.world import CAD, CAM, LINUX, PRO, WHO, World
from tests.services.swift import S3Server
from tests.services.web_server import running_web_server

PART_BYTES = 5 * 1024 * 1024  # the least that S3 takes
BETA, STABLE = ChannelName("beta"), ChannelName("stable")


class ProcessKilled(BaseException):
    """The end of the process, as far as this code is concerned."""


class KillableServer:
    """The real server over HTTP; the publisher's process ends before or after the call of that name and number."""

    def __init__(self, server: HttpPublishingServer, *, dies: str | None = None, tampers: bool = False) -> None:
        self._server = server
        self._dies = dies
        self._tampers = tampers
        self.calls: list[str] = []

    def plan(
        self,
        product: ProductName,
        version: Version,
        channel: ChannelName | None,
        builds: Sequence[ReleaseFile],
        fixes: Sequence[ProblemNumber] = (),
    ) -> PublishingPlan:
        self._begin("plan")
        plan = self._server.plan(product, version, channel, builds, fixes)
        self._end("plan")
        return plan

    def upload(self, product: ProductName, version: Version, build: ReleaseFile) -> UploadState:
        self._begin("upload")
        state = self._server.upload(product, version, build)
        self._end("upload")
        return state

    def send_part(self, link: PartLink, data: bytes) -> None:
        self._begin("send_part")
        self._server.send_part(link, bytes([data[0] ^ 1]) + data[1:] if self._tampers else data)
        self._end("send_part")

    def complete(self, product: ProductName, version: Version, build: ReleaseFile) -> None:
        self._begin("complete")
        self._server.complete(product, version, build)
        self._end("complete")

    def publish(
        self,
        product: ProductName,
        version: Version,
        role: bytes,
        notes: str | None,
        share_basis_points: int | None,
        translations: Mapping[Language, str] | None = None,
    ) -> bool:
        self._begin("publish")
        is_new = self._server.publish(product, version, role, notes, share_basis_points, translations)
        self._end("publish")
        return is_new

    def _begin(self, call: str) -> None:
        if self._dies == f"before {call}":
            raise ProcessKilled
        self.calls.append(call)

    def _end(self, call: str) -> None:
        if self._dies == f"after {call}":
            raise ProcessKilled


@dataclass
class Bench:
    """``address`` is the running server's."""

    world: World
    address: str
    clients: list[HttpPublishingServer] = field(default_factory=list)

    def token(self, **changes: object) -> CreatedToken:
        """One that publishes cad, unless changed."""
        wish = TokenWish("ci", frozenset({Scope.PUBLISH}), self.world.now() + timedelta(days=30), CAD)
        return self.world.installation.create_token(replace(wish, **changes), who=WHO)  # type: ignore[arg-type]

    def server(self, token: str | None = None) -> HttpPublishingServer:
        """The server as a token holder sees it; waits for nothing before it asks again."""
        text = token if token is not None else self.token().secret
        self.clients.append(HttpPublishingServer(self.address, text, pause=lambda _: None))
        return self.clients[-1]

    def killable(self, *, dies: str | None = None, tampers: bool = False) -> KillableServer:
        return KillableServer(self.server(), dies=dies, tampers=tampers)

    def metadata(self) -> Repository:
        """What a real client that embeds the first root makes of the server's metadata."""
        return verified_server(self.address, self.world.root_json, self.world.now()).repository

    def publishing(self, server: HttpPublishingServer | KillableServer | None = None) -> PublishRemotely:
        return PublishRemotely(server or self.server(), self.metadata, self.world.now)

    def request(self, version: str = "1.0", body: bytes = b"the build", **facts: object) -> PublishRequest:
        """One build for Linux in a folder of the engineer's."""
        source = self.world.directory / "laptop" / f"cad-{version}.tar.gz"
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(body)
        plain = PublishRequest(
            product=CAD,
            version=Version(version),
            files=(FileToPublish(source, FileName(source.name), LINUX),),
            editions=frozenset({PRO}),
            channel=STABLE,
        )
        return replace(plain, **facts)  # type: ignore[arg-type]

    def publish(
        self,
        request: PublishRequest,
        server: HttpPublishingServer | KillableServer | None = None,
        *,
        signers: Sequence[Signer] | None = None,
        progress: list[int] | None = None,
    ) -> Published:
        """Unattended."""
        publishing = self.publishing(server)
        prepared = publishing.prepare(request, is_unattended=True)
        told = progress if progress is not None else []
        return publishing(
            prepared, signers=signers if signers is not None else [self.world.engineer], progress=told.append
        )

    def published(self, product: ProductName = CAD) -> dict[str, Release]:
        """What a customer's product sees."""
        catalogue = self.world.reopened().catalogue.current()
        return {str(release.version): release for release in catalogue.product(product).releases}

    def stored(self, build: ReleaseFile) -> bytes:
        return b"".join(self.world.installation.store.read(store_key(build)))

    def stored_keys(self) -> list[str]:
        return list(self.world.installation.store.keys("builds/"))


@contextmanager
def running_bench(directory: Path, s3: S3Server | None = None, *, part_bytes: int = PART_BYTES) -> Iterator[Bench]:
    """Builds lie in the embedded store, or in S3."""
    world = World(directory, MemoryDatabase())
    world.add_product()
    world.add_product(CAM)
    address = list[str]()
    installation = world.installation
    parts = vars(installation)
    if s3 is not None:
        settings = S3Settings(
            s3.new_bucket(),
            "all",
            endpoint_url=s3.endpoint_url,
            region=s3.region,
            access_key_id=s3.access_key,
            secret_access_key=s3.secret_key,
        )
        parts["store"] = s3_store(settings)
    store = installation.store
    uploads: UploadStore
    if isinstance(store, LocalStore):
        link_key = installation.keys.secret_for("upload links")
        uploads = LocalUploads(
            store, directory / "store", base_url=lambda: address[0], link_key=link_key, clock=world.now
        )
    else:
        assert isinstance(store, S3Store)
        uploads = store.uploads()
    parts["upload_store"] = uploads
    parts["upload_builds"] = UploadBuilds(world.database, store, uploads, world.now, part_bytes=part_bytes)
    with running_web_server(create_app(installation)) as url:
        address.append(url)
        bench = Bench(world, url)
        yield bench
        for client in bench.clients:
            client.close()
    if isinstance(store, S3Store):
        store.close()
