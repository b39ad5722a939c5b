"""A world's Secret: SSH keys for its pods alone, the agent's token, and the way to the store.

It is immutable and named by what it is made for, so that it can be found without a list or a watch; another store
password makes another name.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fractal_operator.core.names import SSH_PORT, WORLD_SET, Object
from fractal_operator.core.world_plan import WorldPlan, WorldSecret

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN: Final = "token"  # noqa: S105 - the name of a key

_FORMAT: Final = "2"
_FILES: Final = frozenset({"host", "user", "authorized_keys", "known_hosts", TOKEN, "store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An SSH key, both halves in OpenSSH's own format."""

    private: str = field(repr=False)
    public: str


def secret_name(plan: WorldPlan, store: str, *, pepper: str) -> str:
    """The name of the Secret for this world and this store's address.

    More people read names than Secrets: without `pepper`, which they don't know, a guess at the store's password can't
    be tried on the name.
    """
    made_for = "\n".join((_FORMAT, plan.uid, store))
    return f"{WORLD_SET}-{hmac.digest(pepper.encode(), made_for.encode(), 'sha256').hex()[:12]}"


def build_secret(  # noqa: PLR0913 - a Secret of so many parts
    plan: WorldPlan, name: str, *, store: str, host: KeyPair, user: KeyPair, token: str
) -> Object:
    """The Secret, with a file for each key; what the pods are told of their peers fits pods of any number."""
    files = {
        "host": host.private,
        "user": user.private,
        "authorized_keys": f"{user.public}\n",
        "known_hosts": f"[{WORLD_SET}-*.{WORLD_SET}]:{SSH_PORT} {host.public}\n",
        TOKEN: token,
        "store": store,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": plan.metadata(name),
        "type": "Opaque",
        "immutable": True,
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
    }


def read_secret(secret: Object) -> WorldSecret | None:
    """What the operator needs of a world's Secret; None when it is not one that `build_secret` made."""
    data: Mapping[str, Any] = secret.get("data") or {}
    if not secret.get("immutable") or not data.keys() >= _FILES:
        return None
    digest = hashlib.sha256("\n".join(f"{name} {data[name]}" for name in sorted(_FILES)).encode()).hexdigest()
    token = base64.b64decode(data[TOKEN]).decode()
    return WorldSecret(name=secret["metadata"]["name"], digest=digest[:16], token=token)
