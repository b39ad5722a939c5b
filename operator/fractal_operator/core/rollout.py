"""Whether a world's StatefulSet and pods are those that are wanted, and what has to be done if not.

A world is one MPI program over all its pods: pods of two revisions are no world. So nothing is replaced while a run is
on, and then all is replaced at once; the StatefulSet's own updates are off (OnDelete).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fractal_operator.core.world_scene import PodSeen, SetSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What has to be done. `replaces` says that a run would not survive it.

    `restore_replicas` is what may be applied even so: the revision that is there, as it was.
    """

    apply: bool = False
    delete: tuple[PodSeen, ...] = ()
    replaces: bool = False
    restore_replicas: int | None = None


def plan_step(revision: str, replicas: int, found: SetSeen | None, pods: Sequence[PodSeen]) -> Step:
    """The step towards so many pods of that revision."""
    if found is None:
        return Step(apply=True)
    if found.revision != revision:
        stale = tuple(pod for pod in pods if pod.revision != revision and not pod.going)
        restore = found.replicas if found.drifted else None
        return Step(apply=True, delete=stale, replaces=True, restore_replicas=restore)
    stale = tuple(pod for pod in pods if not pod.going and _is_stale(pod, found, revision))
    apply = found.drifted or found.replicas != replicas
    return Step(apply=apply, delete=stale, replaces=bool(stale), restore_replicas=replicas if apply else None)


def _is_stale(pod: PodSeen, found: SetSeen, revision: str) -> bool:
    """Whether a pod is of another template: an older one of ours, or one that somebody else wrote for a moment."""
    if pod.revision != revision:
        return True
    # What somebody else wrote is put right first: then the name is of our template again.
    known = not found.drifted and found.updates_to and pod.born_of
    return bool(known) and pod.born_of != found.updates_to
