"""What HTTP expects of every route: HEAD beside GET, OPTIONS, problems as problem details."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prediction_api.routes.answers import problem

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_LONGEST_BODY = 65_536
_PORT = re.compile(r":\d+$")


class SafeHeaders:
    """An app whose answers tell browsers to guess no media type and to pass on no address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class NoBodies:
    """An app that reads no request further than its head: nothing here takes a body.

    One that is long, or does not say how long it is, ends its connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            if b"transfer-encoding" in headers:
                app = _last_answer(411, "Length required", "nothing here takes a body")
            elif int(headers.get(b"content-length", 0)) > _LONGEST_BODY:
                app = _last_answer(413, "Too large", f"bodies have {_LONGEST_BODY} bytes at most")
        await app(scope, receive, send)


class AllowedHosts:
    """An app that answers to its own names only, whatever port they come with."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] != "lifespan":
            told = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
            name = _PORT.sub("", told)
            if name not in self._names:
                detail = f"{name or 'no host'} is not in allowed_hosts of the prediction-api"
                app = problem(HTTPStatus.MISDIRECTED_REQUEST, "Not called so", detail)
        await app(scope, receive, send)


def _last_answer(status: int, title: str, detail: str) -> Response:
    answer = problem(status, title, detail)
    answer.headers["Connection"] = "close"
    return answer


def add_head_routes(app: FastAPI) -> None:
    """Answer HEAD wherever GET is answered with something that ends; the server sends no body."""
    for route in list(app.routes):
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()):
            continue
        is_stream = "stream" in route.path.split("/")
        head = app.head(route.path, include_in_schema=False)
        head(no_such_method if is_stream else route.endpoint)


async def no_such_method() -> None:
    """Refuse a method of a path, which else would be that of a symbol with more parts."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


async def http_problem(request: Request, error: Exception) -> Response:
    """Answer what no route does: an unknown path, or a method that a path does not have."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = {"Allow": ", ".join(_methods(request))}
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=allow)
        answer = problem(405, "Method not allowed", f"{request.method}: there is {allow['Allow']}")
        answer.headers.update(allow)
        return answer
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(404, "No such route", f"{request.url.path}: /routes tells what there is")
    return problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))


def _methods(request: Request) -> list[str]:
    """Return what may be done with the path of a request, in the usual order."""
    routes = [
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    known = {
        method
        for route in routes
        if route.path == routes[0].path and route.endpoint is not no_such_method
        for method in route.methods or ()
    }
    return [each for each in ("GET", "HEAD", "POST", "OPTIONS") if each in {*known, "OPTIONS"}]


async def no_such_range(_request: Request, error: Exception) -> Response:
    """Answer SettingsError: what is asked of the store is a range of time."""
    return problem(422, "No such range", str(error))


async def no_store(_request: Request, error: Exception) -> Response:
    """Answer StateError: the store is out of reach."""
    return problem(503, "No store", str(error))


async def invalid_request(_request: Request, error: Exception) -> Response:
    """Answer values that a route does not take."""
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
    return problem(422, "Bad parameter", told)
