"""A node's isolations as one nftables table, which the kernel takes as a whole or not at all."""

from collections.abc import Iterable

from cluster_harness.policies import Allowed, Direction, Isolation, Peers, Ports

TABLE = "network-policies"
# before kube-proxy's filter; the addresses of Services are already those of pods there
PRIORITY = -5


def render(isolations: Iterable[Isolation]) -> str:
    """The text for `nft -f -` that replaces whatever the table held."""
    all_ = list(isolations)
    ingress = _jumps([entry for entry in all_ if entry.direction is Direction.INGRESS], "daddr")
    egress = _jumps([entry for entry in all_ if entry.direction is Direction.EGRESS], "saddr")
    lines = [
        f"table ip {TABLE}",  # so that the next line always finds one
        f"delete table ip {TABLE}",
        f"table ip {TABLE} {{",
        *(line for entry in all_ for line in _chain(entry)),
        *_hook("forward", [*ingress, *egress]),
        *_hook("input", egress),  # a pod's way to its own node is not forwarded
        "}",
    ]
    return "\n".join(lines) + "\n"


def _hook(hook: str, jumps: list[str]) -> list[str]:
    return [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority {PRIORITY}; policy accept;",
        "    ct state established,related accept",
        *(f"    {jump}" for jump in jumps),
        "  }",
    ]


def _jumps(entries: list[Isolation], side: str) -> list[str]:
    verdicts = ", ".join(f"{entry.pod.address} : jump {_name(entry)}" for entry in entries)
    return [f"ip {side} vmap {{ {verdicts} }}"] if verdicts else []


def _chain(entry: Isolation) -> list[str]:
    address = entry.pod.address
    rules = [_rule(allowed, entry.direction) for allowed in entry.allowed]
    return [
        f"  chain {_name(entry)} {{",
        f'    comment "{entry.pod.namespace}/{entry.pod.name}"',
        f"    ip saddr {address} ip daddr {address} return",  # nobody is isolated from oneself
        *(f"    {rule}" for rule in rules),
        "    counter drop",
        "  }",
    ]


def _name(entry: Isolation) -> str:
    return f"{entry.direction.lower()}-{entry.pod.uid}"


def _rule(allowed: Allowed, direction: Direction) -> str:
    side = "saddr" if direction is Direction.INGRESS else "daddr"
    return " ".join([*_peers(allowed.peers, side), *_ports(allowed.ports), "return"])


def _peers(peers: Peers, side: str) -> list[str]:
    words = []
    if peers.addresses:
        words.append(f"ip {side} {{ {', '.join(peers.addresses)} }}")
    if peers.block:
        words.append(f"ip {side} {peers.block}")
    if peers.excepted:
        words.append(f"ip {side} != {{ {', '.join(peers.excepted)} }}")
    return words


def _ports(ports: Ports | None) -> list[str]:
    if ports is None:
        return []
    protocol = ports.protocol.lower()
    owners = [f"ip daddr {{ {', '.join(ports.owners)} }}"] if ports.owners else []
    if not ports.first:
        return [*owners, f"meta l4proto {protocol}"]
    return [*owners, f"{protocol} dport {ports.first}-{ports.last}"]
