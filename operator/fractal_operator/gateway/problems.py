"""What a caller is told when there is nothing else to tell: a word for programs, a sentence for people, never more."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from fractal_api.errors import FractalError, PermanentError, TemporaryError
from fractal_operator.adapters.api_errors import Forbidden

RETRY_AFTER_S: Final = 2

_MUST: Final = {
    "namespace": "the name of a namespace: at most 63 lower-case letters, digits and '-'",
    "name": "the name of a FractalJob: lower-case letters, digits, '-' and '.'",
    "follow": "true or false",
    "format": "text or json",
}
"""What the parts of a path and a query may be."""


class Problem(PermanentError):  # noqa: N818 - what HTTP calls it (RFC 9457)
    """An answer that is no success."""

    def __init__(
        self, status: HTTPStatus, error: str, message: str, *, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})
        self.more = more

    @property
    def response(self) -> JSONResponse:
        """The answer."""
        body = {"error": self.error, "message": str(self), **self.more}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def away(message: str) -> Problem:
    """The answer while something that is needed is away."""
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "TryLater", f"{message}; try again in a moment", headers=headers)


def problem_of(error: FractalError) -> Problem:
    """The answer to an error of ours."""
    match error:
        case Problem():
            return error
        case Forbidden():
            message = "the gateway itself lacks a right that it needs: its ClusterRole is not the one of manifests/"
            return Problem(HTTPStatus.BAD_GATEWAY, "GatewayForbidden", message)
        case TemporaryError():
            return away(str(error))
        case _:
            return Problem(HTTPStatus.BAD_GATEWAY, type(error).__name__, str(error))


def install(app: FastAPI) -> None:
    """Let every error of this application, of its framework too, be answered so."""

    @app.exception_handler(FractalError)
    async def ours(_: Request, error: FractalError) -> JSONResponse:
        return problem_of(error).response

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> JSONResponse:
        return _of_framework(request, error).response

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _of_validation(error).response

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        message = "something unexpected went wrong in the gateway; its log has more"
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", message).response


def _of_framework(request: Request, error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    match status:
        case HTTPStatus.NOT_FOUND:
            message = "there is nothing here; jobs are at /v1/namespaces/NAMESPACE/jobs/NAME"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "GET")
            message = f"{request.method} is not possible here, only {allowed}"
        case _:
            message = str(error.detail)
    return Problem(status, status.phrase.title().replace(" ", ""), message, headers=error.headers)


def _of_validation(error: RequestValidationError) -> Problem:
    first: dict[str, Any] = error.errors()[0]
    name = str(first["loc"][-1])
    given = str(first.get("input", ""))[:80]
    message = f"{name} must be {_MUST.get(name, 'something else')}, not {given!r}"
    return Problem(HTTPStatus.BAD_REQUEST, "BadRequest", message)
