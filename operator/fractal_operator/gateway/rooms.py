"""What the routes of an application need: made once in the process, found through the request."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request

from fractal_operator.adapters.access import Deed
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.adapters.images import Images
from fractal_operator.adapters.live import Live
from fractal_operator.core import paths
from fractal_operator.core.job_view import JobView, view
from fractal_operator.gateway.gate import Gate
from fractal_operator.gateway.metrics import GatewayMetrics
from fractal_operator.gateway.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The outside, as far as the gateway needs it."""

    api: Api
    images: Images
    live: Live
    metrics: GatewayMetrics


class Reception:
    """Lets a request in, and finds what it is about."""

    def __init__(self, rooms: Rooms, gate: Gate) -> None:
        self.rooms = rooms
        self._gate = gate

    async def job(self, request: Request, namespace: str, name: str) -> JobView:
        """The job that the request may read; Problem when it may not, or when there is none."""
        request.state.job = f"{namespace}/{name}"
        await self._gate.admit(request, Deed(verb="get", namespace=namespace, name=name))
        try:
            return view(await self.rooms.api.get(f"{paths.jobs(namespace)}/{name}"))
        except NotFound as error:
            raise Problem(HTTPStatus.NOT_FOUND, "NotFound", f"there is no FractalJob {namespace}/{name}") from error


def reception(request: Request) -> Reception:
    """The reception of the application that the request came to."""
    found: Reception = request.app.state.reception
    return found
