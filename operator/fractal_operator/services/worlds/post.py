"""Tells those who place jobs what a world is: once, and again when it has changed."""

from fractal_operator.core.names import AGENT_PORT
from fractal_operator.core.world_order import Order
from fractal_operator.core.world_plan import WorldSecret
from fractal_operator.core.world_report import Report, why_not
from fractal_operator.core.world_scene import PodSeen
from fractal_operator.core.worlds import AgentRef, Quarantine, WorldBoard, WorldView


class Post:
    """One world's."""

    def __init__(self, board: WorldBoard, world: str) -> None:
        self._board = board
        self._world = world
        self._sent: WorldView | None = None

    def send(
        self,
        order: Order,
        report: Report,
        pod: PodSeen | None,
        secret: WorldSecret | None,
        written: Quarantine | None,
    ) -> None:
        """Tell what the world is now, and of the quarantine that its status has."""
        reason = why_not(report)
        view = WorldView(
            name=order.name,
            uid=order.uid,
            labels=order.labels,
            allowed_namespaces=order.allowed_namespaces,
            takes_runs=not reason,
            why_not=reason,
            agent=refer(pod, secret),
            quarantine=written,
        )
        if view != self._sent:
            self._sent = view
            self._board.put_world(view)

    def withdraw(self) -> None:
        """Tell that the world is gone."""
        self._board.drop_world(self._world)


def refer(pod: PodSeen | None, secret: WorldSecret | None) -> AgentRef | None:
    """Where the agent in a pod answers; None when that isn't known."""
    if pod is None or not pod.ip or secret is None:
        return None
    host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
    return AgentRef(url=f"http://{host}:{AGENT_PORT}", token=secret.token, incarnation=pod.incarnation)
