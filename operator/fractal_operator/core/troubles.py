"""When failures of looking after a world are worth telling people: not the first, since most pass by themselves."""

from dataclasses import dataclass, replace

from fractal_api.conditions import NamespaceReason
from fractal_operator.core.world_report import Refusal

IN_A_ROW = 2
"""So many failures that nobody but a person can end are told."""

LASTING_S = 30.0
"""Those that may pass by themselves, such as an API server that is away, are told when they last so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Failures in a row: how many, how many of them permanent, since when, and the last one's sentence."""

    count: int = 0
    permanent: int = 0
    since: float = 0.0
    words: str = ""

    def and_one(self, words: str, now: float, *, permanent: bool) -> "Troubles":
        """The troubles with one more failure."""
        return replace(
            self,
            count=self.count + 1,
            permanent=self.permanent + permanent,
            since=self.since if self.count else now,
            words=words,
        )

    def refusal(self, now: float) -> Refusal | None:
        """Why the world takes no runs; None while that is too early to say."""
        if self.permanent < IN_A_ROW and (not self.count or now - self.since < LASTING_S):
            return None
        return Refusal(
            reason=NamespaceReason.KEEPING_FAILED, message=f"can't be looked after: {self.words.rstrip('.')}"
        )


NO_TROUBLES = Troubles()
