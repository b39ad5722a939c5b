"""What goes over the agent's HTTP, to orders and from views."""

import json
import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fractal_api import GROUP, VERSION
from fractal_api.errors import PermanentError
from fractal_api.manifests import parse_job
from fractal_kernel.agent.orders import Order
from fractal_kernel.agent.phases import RunView
from fractal_kernel.store.interface import RunKey

_RUN: Final = re.compile(r"(?P<uid>[A-Za-z0-9][A-Za-z0-9._-]{0,252})-(?P<attempt>[1-9][0-9]{0,8})")
_MAX_SECONDS: Final = 2**31 - 1


class BodyError(PermanentError):
    """A request can't be understood; the message is one sentence."""


class PutBody(BaseModel):
    """What is put: the spec of a FractalJob, and how long its keys live at most after the end."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    spec: dict[str, Any]
    attempt: Annotated[int, Field(ge=1)] | None = None
    expiry_seconds: Annotated[int, Field(ge=0, le=_MAX_SECONDS)] | None = Field(default=None, alias="expirySeconds")


def parse_run(run: str) -> tuple[str, int]:
    """The uid and the attempt that a run's id names; BodyError when it is none."""
    match = _RUN.fullmatch(run)
    if match is None:
        raise BodyError("the id of a run is <uid>-<attempt>, such as 6e4b0f0c-1")
    return match["uid"], int(match["attempt"])


def order_from_body(run: str, body: bytes, install: str) -> Order:
    """The order that a request makes; BodyError, SpecError or DepthNotSupported say what is wrong with it."""
    uid, attempt = parse_run(run)
    put = _parse(body)
    if put.attempt not in {None, attempt}:
        raise BodyError(f"attempt is {put.attempt}, but the id says {attempt}")
    manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "FractalJob", "metadata": {"name": "run"}, "spec": put.spec}
    spec = parse_job(manifest).spec
    ttl_s = spec.execution.ttl_seconds_after_finished if put.expiry_seconds is None else put.expiry_seconds
    return Order.of(RunKey(install=install, uid=uid, attempt=attempt, ttl_s=ttl_s), spec)


def run_json(run: RunView) -> dict[str, Any]:
    """A run, as callers see it."""
    return {
        "id": run.id,
        "phase": run.phase,
        "tilesDone": run.done,
        "tilesTotal": run.total,
        "worldsLost": run.losses,
        "reason": run.reason,
        "message": run.message,
        "maxIterations": run.max_iterations,
        "result": None if run.result is None else json.loads(run.result.to_json()),
    }


def _parse(body: bytes) -> PutBody:
    try:
        return PutBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BodyError(f"{name}: {first['msg'].removeprefix('Input ')}") from error
