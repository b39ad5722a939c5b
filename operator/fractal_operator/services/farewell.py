"""The end of the whole installation, as in `kubectl delete -k manifests/`: nothing may hang on us, and we go last.

That command takes the CRDs, our namespace and our rights at once. FractalNamespaces carry a finalizer that only we
release, and we could not, were it not for a finalizer of ours on our ServiceAccount, ClusterRole and binding. So: let
go of every FractalNamespace, without draining it; wait until none is left; then let go of our rights, all at once.

It needs neither kopf nor the Lease, which goes with the namespace. Replicas may do it at the same time.
"""

import asyncio
import logging
import time
from typing import Final

from fractal_api import GROUP
from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import Forbidden, NotFound
from fractal_operator.adapters.joint_patch import patch_together
from fractal_operator.core import names, paths
from fractal_operator.core.names import Object
from fractal_operator.services.watching import states_of
from fractal_operator.services.world_end import delete_namespace

_DEFINITION: Final = f"fractalnamespaces.{GROUP}"
_WORLDS_S: Final = 40.0
"""How long FractalNamespaces may take: the token of a pod that is being deleted is good for 60 s."""
_RIGHTS_S: Final = 10.0
_ASK_S: Final = 2.0
_PAUSE_S: Final = 0.3

logger = logging.getLogger(__name__)


class Farewell:
    """Notices that everything is being deleted, and sees that it ends."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.noticed: Final = asyncio.Event()
        """Set when the definition of FractalNamespaces or our namespace is being deleted."""
        self._api = api
        self._namespace = namespace

    async def watch(self) -> None:
        """Set `noticed` as soon as it is time; meanwhile never return."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(paths.DEFINITIONS, _DEFINITION))
            group.create_task(self._follow(paths.NAMESPACES, self._namespace))

    async def is_on(self) -> bool:
        """Whether it is time, asked now: a signal to end may come before the news."""
        if not self.noticed.is_set():
            definition = self._read(f"{paths.DEFINITIONS}/{_DEFINITION}")
            home = self._read(f"{paths.NAMESPACES}/{self._namespace}")
            if any(_is_going(found) for found in await asyncio.gather(definition, home)):
                self.noticed.set()
        return self.noticed.is_set()

    async def say(self) -> None:
        """Let go of FractalNamespaces, then of our rights. It ends in time, whatever is in the way."""
        logger.info("All of it is being deleted: FractalNamespaces are let go without draining them")
        if not await self._let_go_of_worlds():
            logger.warning("FractalNamespaces are still there after %g s; something else must hold them", _WORLDS_S)
        await self._let_go_of_rights()

    async def _follow(self, collection: str, name: str) -> None:
        async for state in states_of(self._api, collection, name):
            if _is_going(state):
                self.noticed.set()

    async def _let_go_of_worlds(self) -> bool:
        leaving = _is_going(await self._read(f"{paths.NAMESPACES}/{self._namespace}"))
        deadline = time.monotonic() + _WORLDS_S
        while time.monotonic() < deadline:
            try:
                if not await self._release_worlds(all_of_them=leaving):
                    return True
            except (NotFound, Forbidden) as error:  # their definition is gone; or another replica was faster
                logger.info("Nothing is left to let go: %s", error)
                return True
            except FractalError as error:
                logger.warning("Letting go of FractalNamespaces is tried again: %s", error)
            await asyncio.sleep(_PAUSE_S)  # a few looks at what deletes itself, instead of a watch of a dying kind
        return False

    async def _release_worlds(self, *, all_of_them: bool) -> bool:
        """Whether some of those that are being deleted are left."""
        left = False
        async for page in self._api.pages(paths.WORLDS):
            for world in page["items"]:
                left = left or _is_going(world)
                if _is_going(world):
                    await delete_namespace(self._api, world["metadata"]["name"], world["metadata"]["uid"])
                if _is_going(world) or all_of_them:
                    await self._release(f"{paths.WORLDS}/{world['metadata']['name']}", world, names.WORLD_FINALIZER)
        return left

    async def _release(self, path: str, body: Object, finalizer: str) -> None:
        patch = _without(body, finalizer)
        if patch is None:
            return
        patch["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
        try:
            await self._api.merge(path, patch)
        except NotFound:
            return

    async def _let_go_of_rights(self) -> None:
        """Release those that are being deleted. They come a moment after the CRD, so they are waited for a little."""
        deadline = time.monotonic() + _RIGHTS_S
        while True:
            found = {path: await self._read(path) for path in self._rights()}
            going = {path: body for path, body in found.items() if body is not None and _is_going(body)}
            patches = {
                path: patch for path, body in going.items() if (patch := _without(body, names.UNINSTALL_FINALIZER))
            }
            complete = all(body is None or path in going for path, body in found.items())
            if complete or time.monotonic() > deadline:
                break
            await asyncio.sleep(_PAUSE_S)
        try:
            await patch_together(self._api, patches)
        except FractalError as error:
            logger.error("Our own rights could not be let go, so `make uninstall` has to: %s", error)  # noqa: TRY400
        else:
            logger.info("Let go of %s", ", ".join(patches) or "nothing else")

    def _rights(self) -> tuple[str, str, str]:
        return (
            f"{paths.service_accounts(self._namespace)}/{names.OPERATOR}",
            f"{paths.CLUSTER_ROLES}/{names.OPERATOR}",
            f"{paths.CLUSTER_ROLE_BINDINGS}/{names.OPERATOR}",
        )

    async def _read(self, path: str) -> Object | None:
        try:
            return await self._api.within(_ASK_S).get(path)
        except FractalError as error:
            logger.debug("%s", error)
            return None


def _is_going(body: Object | None) -> bool:
    return body is not None and "deletionTimestamp" in body["metadata"]


def _without(body: Object, finalizer: str) -> Object | None:
    """A merge patch that takes the finalizer away; None when it is not there."""
    held = body["metadata"].get("finalizers") or []
    if finalizer not in held:
        return None
    return {"metadata": {"finalizers": [name for name in held if name != finalizer] or None}}
