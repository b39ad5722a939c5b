"""Who someone is, and what they may: asked of the API server, which alone knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fractal_api import GROUP
from fractal_api.kinds import JOBS
from fractal_operator.adapters.api import Api
from fractal_operator.core import paths
from fractal_operator.core.names import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Someone whom the API server knows."""

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What someone would like to do with the FractalJobs of a namespace."""

    verb: str
    namespace: str
    name: str = ""


class Access:
    """The reviews of the API server. Each call asks it anew."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def identify(self, token: str) -> Identity | None:
        """Whose token it is; None when it is nobody's, or no longer valid."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = (await self._api.create(paths.TOKEN_REVIEWS, review)).get("status", {})
        user = status.get("user", {})
        if not status.get("authenticated") or not user.get("username"):
            return None
        extra = {name: tuple(values) for name, values in (user.get("extra") or {}).items()}
        return Identity(
            user=user["username"], uid=user.get("uid", ""), groups=tuple(user.get("groups") or ()), extra=extra
        )

    async def allows(self, who: Identity, deed: Deed) -> bool:
        """Whether they may do that."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": _subject(who) | {"resourceAttributes": _attributes(deed)},
        }
        answer = await self._api.create(paths.ACCESS_REVIEWS, review)
        return answer.get("status", {}).get("allowed") is True


def _subject(who: Identity) -> Object:
    extra = {name: list(values) for name, values in who.extra.items()}
    return {"user": who.user, "uid": who.uid, "groups": list(who.groups), "extra": extra}


def _attributes(deed: Deed) -> Object:
    resource = {"group": GROUP, "resource": JOBS.plural}
    return resource | {"verb": deed.verb, "namespace": deed.namespace, "name": deed.name}
