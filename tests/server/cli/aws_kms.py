"""The two calls of AWS KMS that signing needs, over HTTP, for boto3 to talk to: one ECDSA P-256 key.

Stands for the service, which cannot be had here; the client, its requests and its errors are the real ones.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.services.web_server import running_web_server

KEY_ID = "alias/release"


@dataclass
class KeyService:
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = generate_private_key(SECP256R1())

    async def answer(self, request: Request) -> JSONResponse:
        action = request.headers["x-amz-target"].rpartition(".")[2]
        arguments = json.loads(await request.body())
        self.asked.append(action)
        if arguments["KeyId"] != KEY_ID:
            error = {"__type": "NotFoundException", "message": "a message with AKIDSECRET in it"}
            return JSONResponse(error, 400, media_type="application/x-amz-json-1.1")
        return JSONResponse(self._result(action, arguments), media_type="application/x-amz-json-1.1")

    def _result(self, action: str, arguments: dict[str, str]) -> dict[str, object]:
        if action == "GetPublicKey":
            public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return {
                "KeyId": KEY_ID,
                "PublicKey": base64.b64encode(public).decode(),
                "KeyUsage": "SIGN_VERIFY",
                "SigningAlgorithms": ["ECDSA_SHA_256"],
            }
        assert arguments["MessageType"] == "DIGEST"
        signature = self._key.sign(base64.b64decode(arguments["Message"]), ECDSA(Prehashed(SHA256())))
        return {"KeyId": KEY_ID, "Signature": base64.b64encode(signature).decode()}


@contextmanager
def running_key_service() -> Iterator[tuple[str, KeyService]]:
    """The service's URL and what it was asked."""
    service = KeyService()
    with running_web_server(Starlette(routes=[Route("/", service.answer, methods=["POST"])])) as url:
        yield url, service
