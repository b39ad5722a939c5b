"""What has to be there before a world can be: its ground, its Secret, and a template that the API server takes."""

from contextlib import suppress
from dataclasses import dataclass

from fractal_api.conditions import NamespaceReason
from fractal_api.errors import FractalError
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.builders.stateful_set import build_stateful_set
from fractal_operator.core.names import REVISION, Object
from fractal_operator.core.world_order import Order
from fractal_operator.core.world_plan import WorldPlan, WorldSecret
from fractal_operator.core.world_report import Refusal
from fractal_operator.services.worlds.ground import Ground
from fractal_operator.services.worlds.hands import Hands
from fractal_operator.services.worlds.secret_keeper import SecretKeeper
from fractal_operator.services.worlds.sight import Sight
from fractal_operator.services.worlds.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What a world stands on, or why it can't. `own` says that the namespace is the world's."""

    refusal: Refusal | None = None
    own: bool = False
    secret: WorldSecret | None = None
    revision: str = ""


class FootingKeeper:
    """One world's."""

    def __init__(self, tools: Tools, sight: Sight, hands: Hands) -> None:
        self._sight = sight
        self._hands = hands
        self._ground = Ground(tools)
        self._secrets = SecretKeeper(tools)

    def observe(self, world: str, kind: str, obj: Object, *, gone: bool) -> bool:
        """Take notice of an object of the world; whether it has to be put right."""
        return self._ground.observe(world, kind, obj, gone=gone)

    def due_s(self, now: float) -> float:
        """After how long it is to be looked at again, though nothing be told."""
        return self._secrets.due_s(now)

    def last_known(self) -> Footing:
        """The footing as far as it is known without looking."""
        return Footing(own=self._ground.claimed, secret=self._secrets.known)

    async def stand(self, order: Order) -> Footing:
        """The footing, after all of it was put right."""
        if order.leaving_at is not None:
            return await self._last(order)
        if order.plan is None:
            return Footing(refusal=order.refusal, own=self._ground.claimed, secret=self._secrets.known)
        if not self._ground.claimed:  # another namespace, of which nothing is known
            self._sight.forget()
            self._secrets.forget()
        if (refusal := await self._ground.prepare(order.plan)) is not None:
            return Footing(refusal=refusal)
        return await self._step_up(order.plan)

    async def _step_up(self, plan: WorldPlan) -> Footing:
        try:
            secret = await self._secrets.keep(plan)
        except NotFound as error:
            message = f"waits for the Secret with its password for the store: {error}"
            refusal = Refusal(reason=NamespaceReason.PODS_STARTING, message=message, sick=False)
            return Footing(refusal=refusal, own=True, secret=self._secrets.known)
        wanted = build_stateful_set(plan, secret)
        revision = wanted["metadata"]["annotations"][REVISION]
        words = await self._hands.refused(plan, wanted, revision)
        if not words:
            return Footing(own=True, secret=secret, revision=revision)
        message = f"can't be as its template says: {words}"
        return Footing(refusal=Refusal(reason=NamespaceReason.INVALID_SPEC, message=message), own=True, secret=secret)

    async def _last(self, order: Order) -> Footing:
        """What is still there for a world that leaves: nothing is made any more."""
        secret = self._secrets.known
        if secret is None and order.plan is not None:
            with suppress(FractalError):
                secret = await self._secrets.peek(order.plan)
        return Footing(own=secret is not None, secret=secret)
