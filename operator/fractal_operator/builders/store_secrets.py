"""Who may do what in the result store: Redis users as an ACL file, and the Secrets that carry them.

A new installation's passwords are drawn by whoever calls; here nothing is random.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from fractal_operator.core import names
from fractal_operator.core.names import Object

ACL_KEY: Final = "users.acl"

_LEGACY_KEYS: Final = ("pending_tasks", "mpi_jobs", "running_tasks", "completed_tasks", "*:dead")
"""The earlier system's lists and hash, and the lists of payloads that nobody could read."""

_LISTS: Final = "+lpush +rpush +lrange +llen +lpop +rpop +lrem +lindex"
_HASHES: Final = "+hget +hexists +hgetall +hkeys +hlen +hset +hdel"
_ANY_KEY: Final = "+del +unlink +exists +type +expire +ttl"
_TOGETHER: Final = "+multi +exec +discard +watch +unwatch"
_GREETING: Final = "+ping +hello +select +client|setname +client|id"
"""What clients say by themselves when they connect.

A Redis before 7.2 doesn't start with CLIENT SETINFO in its ACL; clients go on without it.
"""

_COMMANDS: Final[Mapping[str, str]] = {
    "world": "+ping +hset +hget +hgetall +hkeys +get +set +expire +unlink +watch +unwatch +multi +exec +discard",
    "operator": "+ping +scan +get +unlink",
    "gateway": "+ping +get +hgetall +expire",
    "bridge": f"{_GREETING} +@list {_HASHES} {_ANY_KEY} {_TOGETHER}",
    "default": f"{_GREETING} {_LISTS} {_HASHES} {_ANY_KEY} {_TOGETHER}",
}


class StoreUser(StrEnum):
    """The users with a password. `default` has none: it is whoever still speaks the earlier system's lists."""

    WORLD = "world"
    OPERATOR = "operator"
    GATEWAY = "gateway"
    BRIDGE = "bridge"

    @property
    def key(self) -> str:
        """Where a Secret holds the user's password."""
        return f"{self}-password"


def build_store_secret(install: str, passwords: Mapping[StoreUser, str]) -> Object:
    """The Secret `fractal-store`: Redis's users, and every password."""
    held = {ACL_KEY: build_acl(install, passwords), **{user.key: passwords[user] for user in StoreUser}}
    return _secret(names.STORE_SECRET, held)


def build_gateway_secret(password: str) -> Object:
    """The Secret `fractal-store-gateway`: the one password that the gateway's pod mounts."""
    return _secret(names.GATEWAY_STORE_SECRET, {StoreUser.GATEWAY.key: password})


def build_acl(install: str, passwords: Mapping[StoreUser, str]) -> str:
    """Redis's ACL file. It has hashes only, since Redis's own copy of it is read by more people than Secrets are."""
    ours = [f"~fj:{install}:*"]
    legacy = [f"~{key}" for key in _LEGACY_KEYS]
    lines = [_user("default", "nopass", legacy)]
    for user in StoreUser:
        digest = hashlib.sha256(passwords[user].encode()).hexdigest()
        lines.append(_user(user, f"#{digest}", legacy if user is StoreUser.BRIDGE else ours))
    return "\n".join(lines) + "\n"


def _user(name: str, password: str, keys: list[str]) -> str:
    return f"user {name} reset on {password} {' '.join(keys)} resetchannels -@all {_COMMANDS[name]}"


def _secret(name: str, held: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {names.MANAGED_BY: names.MANAGER}},
        "type": "Opaque",
        "stringData": dict(held),
    }
