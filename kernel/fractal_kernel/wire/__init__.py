"""What the agent and rank 0 say to each other over their Unix socket: a closed set of messages, and their bytes.

There is no I/O here: `encode` gives buffers to be written one after the other, a `Decoder` is fed whatever arrived. So
the agent's event loop and rank 0's polled socket share one protocol, as h11's users share HTTP.

    agent:   decoder = Decoder(TO_AGENT)    for message in decoder.feed(data): ...
    rank 0:  decoder = Decoder(TO_WORLD)    writelines(encode(Started(run=run)))

Bodies are shown as read-only views of the received frame, without a copy: a tile may have 50 MB.
"""

from fractal_kernel.wire.decoding import TO_AGENT, TO_WORLD, Decoder
from fractal_kernel.wire.encoding import MAX_BODY, MAX_HEADER, WireError, encode
from fractal_kernel.wire.messages import (
    Beat,
    Blob,
    Cancel,
    Cancelled,
    Failed,
    Heartbeat,
    Message,
    Pause,
    Ready,
    Rendered,
    Resume,
    Run,
    Started,
    Stop,
    Surveyed,
    Tile,
    Tiles,
    ToAgent,
    ToWorld,
)

__all__ = [
    "MAX_BODY",
    "MAX_HEADER",
    "TO_AGENT",
    "TO_WORLD",
    "Beat",
    "Blob",
    "Cancel",
    "Cancelled",
    "Decoder",
    "Failed",
    "Heartbeat",
    "Message",
    "Pause",
    "Ready",
    "Rendered",
    "Resume",
    "Run",
    "Started",
    "Stop",
    "Surveyed",
    "Tile",
    "Tiles",
    "ToAgent",
    "ToWorld",
    "WireError",
    "encode",
]
