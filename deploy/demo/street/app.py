"""The street's server: one page, and a small JSON API in front of the stand-ins. Listens on
loopback, for people at this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from socket import socket
from typing import Annotated, Any, Literal

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deploy.demo.cast import MAILBOX, Telephone
from deploy.demo.practice import COMPANY
from deploy.demo.running import System
from deploy.demo.street import letters
from deploy.local.ports import HOST
from deploy.local.problem import Problem

_STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_LONGEST_WAIT = 30.0
"""Seconds; the exchange holds a request for news for 20."""
Number = Annotated[str, PathParameter(pattern=r"^\+[0-9]{8,15}$")]
What = Literal["call", "pick-up", "hang-up", "keys", "say", "text"]


class Doing(BaseModel):
    """What a telephone is to press, say or write."""

    keys: str = Field("", max_length=20)
    text: str = Field("", max_length=1600)


class NewPost(BaseModel):
    """A post on the practice X."""

    username: str = Field(pattern=r"^[A-Za-z0-9_]{1,15}$")
    name: str = Field("", max_length=50)
    followers: int = Field(10, ge=0, le=200_000_000)
    text: str = Field(min_length=1, max_length=280)


class Answered(BaseModel):
    """The mail that another one is an answer to."""

    id: str = Field(max_length=1000, pattern=r"^[^\r\n]*$")
    references: str = Field("", max_length=4000, pattern=r"^[^\r\n]*$")


class NewLetter(BaseModel):
    """A mail."""

    name: str = Field("", max_length=100, pattern=r"^[^\r\n]*$")
    address: str = Field(pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$", max_length=200)
    to: str = Field(MAILBOX, pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$", max_length=300)
    subject: str = Field("", max_length=200, pattern=r"^[^\r\n]*$")
    text: str = Field(min_length=1, max_length=20_000)
    answers: Answered | None = None


class Street:
    """Its API: telephones, posts, mails."""

    def __init__(self, system: System, telephones: Sequence[Telephone], agents: Sequence[Telephone]) -> None:
        self._system, self._telephones, self._agents = system, telephones, agents
        self._client = httpx.AsyncClient(timeout=_LONGEST_WAIT, trust_env=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Yields once every telephone is registered at the exchange."""
        async with self._client:
            for one in (*self._telephones, *self._agents):
                await self._ask(
                    "POST", f"{self._system.exchange}/demo/phones", {"number": one.number, "name": one.name}
                )
            yield

    def routes(self) -> APIRouter:
        """Returns the routes below `/api/…`."""
        router = APIRouter(prefix="/api")
        router.add_api_route("/street", self.street)
        router.add_api_route("/phones/{number}", self.telephone)
        router.add_api_route("/phones/{number}/{what}", self.work, methods=["POST"])
        router.add_api_route("/posts", self.posts)
        router.add_api_route("/posts", self.post, methods=["POST"])
        router.add_api_route("/mails", self.mails)
        router.add_api_route("/mails", self.mail, methods=["POST"])
        return router

    async def street(self) -> dict[str, Any]:
        """Returns who lives here, and what they can reach."""
        return {
            "company": COMPANY,
            "line": self._system.line,
            "mailbox": MAILBOX,
            "desk": self._system.desk,
            "contact": self._system.contact,
            "telephones": [asdict(one) for one in self._telephones],
            "agents": [asdict(one) for one in self._agents],
        }

    async def telephone(self, number: Number, after: int = 0) -> Response:
        """Returns what a telephone shows, once that is newer than version `after`."""
        return await self._ask("GET", f"{self._system.exchange}/demo/phones/{number}?after={after}")

    async def work(self, number: Number, what: What, doing: Doing) -> Response:
        """Passes on what its owner does with a telephone."""
        return await self._ask("POST", f"{self._system.exchange}/demo/phones/{number}/{what}", doing.model_dump())

    async def posts(self) -> Response:
        """Returns all posts, newest first."""
        return await self._ask("GET", f"{self._system.network}/control/feed")

    async def post(self, new: NewPost) -> Response:
        """Publishes a new post."""
        return await self._ask("POST", f"{self._system.network}/control/post", new.model_dump())

    async def mails(self) -> list[dict[str, Any]]:
        """Returns the mails that the desk sent, newest first."""
        return await asyncio.to_thread(letters.received, self._system.outgoing_mail)

    async def mail(self, new: NewLetter) -> Response:
        """Sends a new mail."""
        answered = (new.answers.id, new.answers.references) if new.answers else None
        letter = letters.Outgoing(new.name, new.address, new.to, new.subject, new.text, answered)
        try:
            await asyncio.to_thread(letters.send, self._system.smtp, letter)
        except Problem as problem:
            return JSONResponse({"detail": str(problem)}, 502)
        return JSONResponse({}, 202)

    async def _ask(self, method: str, url: str, body: object = None) -> Response:
        try:
            answer = await self._client.request(method, url, json=body)
        except httpx.HTTPError as error:
            return JSONResponse({"detail": f"the stand-in at {url} does not answer ({type(error).__name__})"}, 502)
        return Response(answer.content, answer.status_code, media_type="application/json")


def create(street: Street) -> FastAPI:
    """Creates the app with the page and its API."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    app.middleware("http")(_guard)
    app.include_router(street.routes())
    app.add_api_route("/", _page, include_in_schema=False)
    app.add_api_route("/{username}/status/{post}", _read, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC))
    return app


async def _page() -> FileResponse:
    return FileResponse(_STATIC / "index.html")


async def _read(post: Annotated[str, PathParameter(pattern=r"^[0-9]{1,20}$")]) -> RedirectResponse:
    """Redirects to the post on the page: the desk links a post as X does."""
    return RedirectResponse(f"/#post-{post}")


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Guards the street against other sites, so that only our own page may use it: another site
    cannot send JSON here without a preflight request, which nothing here grants."""
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        return JSONResponse({"detail": "send JSON"}, 415)
    response = await go_on(request)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


@asynccontextmanager
async def serving(street: Street, port: int) -> AsyncIterator[str]:
    """Yields the street's address while it is open. Raises Problem where the port is taken."""
    config = uvicorn.Config(
        create(street), host=HOST, port=port, lifespan="off", log_config=None, log_level="critical", access_log=False
    )
    server = _Server(config)
    running = asyncio.ensure_future(server.open())
    opened = asyncio.ensure_future(server.opened.wait())
    try:
        await asyncio.wait({running, opened}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        async with street.open():
            yield f"http://{HOST}:{port}"
    finally:
        opened.cancel()
        server.should_exit = server.force_exit = True
        await asyncio.gather(running, return_exceptions=True)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: Ctrl-C is the demonstration's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Starts the server, then sets `opened` for those who wait for it."""
        await super().startup(sockets)
        self.opened.set()

    async def open(self) -> None:
        """Serves until its exit is requested. Raises Problem where the port is taken."""
        try:
            await self._serve()
        except SystemExit as error:  # uvicorn's way to say so
            raise Problem(f"port {self.config.port} is taken") from error
