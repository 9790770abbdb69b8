"""A contender: Starlette's ``FileResponse`` on uvicorn.

``python -m tests.benchmarks.downloads.file_response PORT FILE``.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route


def main(port: str, file: str) -> None:
    async def answer(request: Request) -> FileResponse:
        return FileResponse(file)

    app = Starlette(routes=[Route("/", answer)])
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
