"""Tests that are scenes: each a coroutine on a stage of its own, played in made-up time."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec

from support import operator_agent_fake
from support.operator_clockwork import play
from support.operator_job_stage import Stage

P = ParamSpec("P")
Scene = Callable[Concatenate[Stage, P], Coroutine[Any, Any, None]]


def on_stage(*worlds: str, **environment: str) -> Callable[[Scene[P]], Callable[P, None]]:
    """Make a test of a scene. Where worlds are named they are there, and an operator leads; `environment` is its own.

    Whatever an agent objects to is an AssertionError in the end.
    """

    def decorate(scene: Scene[P]) -> Callable[P, None]:
        @functools.wraps(scene)
        def test(*args: P.args, **kwargs: P.kwargs) -> None:
            async def whole() -> None:
                stage = Stage(**environment)
                try:
                    for world in worlds:
                        stage.add_world(world)
                    if worlds:
                        stage.start_operator()
                    await scene(stage, *args, **kwargs)
                finally:
                    stage.close()

            operator_agent_fake.violations.clear()
            play(whole)
            operator_agent_fake.raise_if_violated()

        # pytest gives what the signature asks for, and the stage is not from there.
        signature = inspect.signature(scene)
        rest = list(signature.parameters.values())[1:]
        test.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return test

    return decorate
