"""One question to the cluster's name service: the IPv4 address of a name."""

import asyncio
import ipaddress
import secrets
import socket
import struct

from cluster_harness.layout import CONTROL_ADDRESS, DNS_PORT

HEADER = struct.Struct(">6H")  # id, flags, questions, answers, authorities, additions
RECURSE = 0x0100
A_IN = struct.pack(">2H", 1, 1)  # type A, class IN
TIMEOUT_S = 2.0


def question(name: str, number: int) -> bytes:
    """The packet that asks for the address of `name` (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().rstrip(b".").split(b"."))
    return HEADER.pack(number, RECURSE, 1, 0, 0, 0) + labels + b"\0" + A_IN


def answer(packet: bytes, number: int) -> str | None:
    """The address in the packet's last record, or None when it has no answers or answers another question."""
    if len(packet) < HEADER.size:
        return None
    got, flags, _, answers, *_ = HEADER.unpack_from(packet)
    if got != number or flags & 0xF or not answers:
        return None
    return str(ipaddress.IPv4Address(packet[-4:]))


async def resolve(name: str, server: tuple[str, int] = (CONTROL_ADDRESS, DNS_PORT)) -> str | None:
    """The address of `name`; an address is its own; None when the server knows no such name or is silent."""
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        number = secrets.randbelow(1 << 16)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        try:
            await loop.sock_connect(asking, server)
            await loop.sock_sendall(asking, question(name, number))
            return answer(await asyncio.wait_for(loop.sock_recv(asking, 4096), TIMEOUT_S), number)
        except OSError:  # TimeoutError is one
            return None
