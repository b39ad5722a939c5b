"""The end of the whole installation, as in `kubectl delete -k manifests/`: nothing may hang on us, and we go last.

That command takes the CRDs, our namespace and our rights at once. FractalNamespaces carry a finalizer that only we
release, and we could not, were it not for a finalizer of ours on our ServiceAccount, ClusterRole and binding. So: let
go of every FractalNamespace, without draining it; wait until none is left; delete the Namespaces that were missed by
garbage collection; then let go of our rights, all at once.

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
from fractal_operator.services.orphans import delete_orphans
from fractal_operator.services.watching import states_of

_DEFINITION: Final = f"fractalnamespaces.{GROUP}"
_FOLLOWING_S: Final = 6.0
"""How much later than our namespace the definition may be deleted: some other objects come between the two."""
_ORPHANS_S: Final = 4.0
_WORLDS_S: Final = 32.0
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
        leaving = _is_going(await self._read(f"{paths.NAMESPACES}/{self._namespace}"))
        doomed = not leaving or await self._definition_follows()
        await self._let_go_of_worlds(doomed=doomed)
        if doomed:
            await self._end_orphans()
        await self._let_go_of_rights(leaving=leaving)

    async def _follow(self, collection: str, name: str) -> None:
        async for state in states_of(self._api, collection, name):
            if _is_going(state):
                self.noticed.set()

    async def _let_go_of_worlds(self, *, doomed: bool) -> None:
        """Release FractalNamespaces; `doomed` says that all of them are deleted, if not yet then in a moment."""
        deadline = time.monotonic() + _WORLDS_S
        while time.monotonic() < deadline:
            if not await self._try_to_release(doomed=doomed):
                return
            await asyncio.sleep(_PAUSE_S)  # a few looks at what deletes itself, instead of a watch of a dying kind
        logger.warning("FractalNamespaces are still there after %g s; something else must hold them", _WORLDS_S)

    async def _definition_follows(self) -> bool:
        """Whether the definition of FractalNamespaces goes, too: `kubectl delete -k` comes to it after our namespace.

        A world that is let go before that would be deleted with nobody to see to its Namespace.
        """
        deadline = time.monotonic() + _FOLLOWING_S
        while time.monotonic() < deadline:
            if _is_going(await self._read(f"{paths.DEFINITIONS}/{_DEFINITION}")):
                return True
            await asyncio.sleep(_PAUSE_S)
        return False

    async def _try_to_release(self, *, doomed: bool) -> bool:
        """Whether it has to be done again."""
        try:
            return await self._release_worlds(doomed=doomed)
        except (NotFound, Forbidden) as error:  # their definition is gone; or another replica was faster
            logger.info("Nothing is left to let go: %s", error)
            return False
        except FractalError as error:
            logger.warning("Letting go of FractalNamespaces is tried again: %s", error)
            return True

    async def _release_worlds(self, *, doomed: bool) -> bool:
        """Whether some are left that are being deleted, or will be."""
        left = False
        async for page in self._api.pages(paths.WORLDS):
            for world in page["items"]:
                left = left or doomed or _is_going(world)
                if _is_going(world) or not doomed:
                    await self._release(f"{paths.WORLDS}/{world['metadata']['name']}", world, names.WORLD_FINALIZER)
        return left

    async def _end_orphans(self) -> None:
        deadline = time.monotonic() + _ORPHANS_S
        while time.monotonic() < deadline:
            try:
                if deleted := await delete_orphans(self._api, await self._living()):
                    logger.info("Deleted what worlds left behind: %s", ", ".join(deleted))
            except FractalError as error:
                logger.warning("Namespaces of worlds that are gone can't be deleted yet: %s", error)
            else:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _living(self) -> set[str]:
        """The uids of the FractalNamespaces that there still are."""
        try:
            return {world["metadata"]["uid"] async for page in self._api.pages(paths.WORLDS) for world in page["items"]}
        except NotFound:
            return set()

    async def _release(self, path: str, body: Object, finalizer: str) -> None:
        patch = _without(body, finalizer)
        if patch is None:
            return
        patch["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
        try:
            await self._api.merge(path, patch)
        except NotFound:
            return

    async def _let_go_of_rights(self, *, leaving: bool) -> None:
        """Release those that are being deleted. They come a moment after the CRD, so they are waited for a little.

        `leaving` says that our namespace is: our ServiceAccount goes with it, though only when no pod is left there.
        """
        deadline = time.monotonic() + _RIGHTS_S
        account, *_ = self._rights()
        while True:
            found = {path: await self._read(path) for path in self._rights()}
            there = {path: body for path, body in found.items() if body is not None}
            going = {path: body for path, body in there.items() if _is_going(body) or (leaving and path == account)}
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
