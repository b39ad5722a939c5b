"""What is known of the world at this moment, for whoever asks."""

from typing import TYPE_CHECKING, Any

from fractal_kernel.agent import notices as n

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bulletin:
    """An onlooker that keeps the latest news of the world."""

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._hosts: Sequence[str] = ()
        self._trouble = "the world has not been started yet"
        self._waits: dict[str, str] = {}

    def __call__(self, notice: n.Notice) -> None:
        """Keep it, if it is about the world or a wait."""
        match notice:
            case n.WorldUp():
                self._epoch, self._hosts, self._trouble = notice.epoch, notice.hosts, ""
            case n.WorldDown():
                self._epoch, self._hosts, self._trouble = None, (), f"{notice.cause}: {notice.message}"
            case n.Waiting(what=what, message=""):
                self._waits.pop(what, None)
            case n.Waiting():
                self._waits[notice.what] = notice.message
            case _:
                pass

    @property
    def trouble(self) -> str:
        """Why no world answers; empty when one does."""
        return "; ".join(filter(None, (self._trouble, self._waits.get("peers"))))

    def world(self) -> dict[str, Any]:
        """The world as JSON values."""
        return {
            "ready": self._epoch is not None,
            "epoch": self._epoch,
            "ranks": len(self._hosts),
            "hosts": sorted(set(self._hosts)),
            "message": self.trouble,
            "waiting": dict(self._waits),
        }
