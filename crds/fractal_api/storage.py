"""What a result store holds of a picture, under which keys, for how long, and in which order a result becomes valid.

Pure code: the kernel half writes with it, the operator half reads with it, and neither's I/O is here. No pydantic.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fractal_api.errors import RecordError

CHUNK_BYTES: Final = 2**20
"""Bytes of an image's chunk; the last one may have fewer."""

IMAGE_EXPIRY_S: Final = 7 * 86_400
"""An image lives this long after it was last read."""

TILES_EXPIRY_S: Final = 86_400
"""Tiles, run, live figures and chunks without a result live this long after their last use."""

JsonText = str | bytes

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_KEY: Final = re.compile(rf"fj:(?P<install>{_NAME.pattern}):\{{(?P<uid>{_NAME.pattern})\}}:[a-z0-9:]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one picture. The braces make Redis Cluster keep them together; the uid is the capability.

    ValueError when `install` or `uid` hold anything but letters, digits, '.', '_' and '-'.
    """

    install: str
    uid: str

    def __post_init__(self) -> None:
        for name in (self.install, self.uid):
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} can't be part of a store's key")

    @property
    def prefix(self) -> str:
        """The beginning of every key of this picture."""
        return f"fj:{self.install}:{{{self.uid}}}"

    @property
    def tiles(self) -> str:
        """A hash: tile index → blob."""
        return f"{self.prefix}:tiles"

    @property
    def run(self) -> str:
        """A hash: facts about the run."""
        return f"{self.prefix}:run"

    @property
    def live(self) -> str:
        """A hash: figures for spectators."""
        return f"{self.prefix}:live"

    @property
    def result(self) -> str:
        """A string: the result record."""
        return f"{self.prefix}:result"

    def chunk(self, attempt: int, number: int) -> str:
        """A string: a chunk of the image that an attempt wrote; both count as the names say, chunks from 0."""
        return f"{self.prefix}:img:{attempt}:{number}"

    def chunks(self, attempt: int, count: int) -> tuple[str, ...]:
        """The keys of an image's chunks, in order."""
        return tuple(self.chunk(attempt, number) for number in range(count))


def keys_of(key: str) -> Keys | None:
    """The keys of the picture that a key belongs to, or None for a foreign key."""
    match = _KEY.fullmatch(key)
    return None if match is None else Keys(install=match["install"], uid=match["uid"])


def chunk_count(size: int) -> int:
    """The number of chunks of an image of so many bytes."""
    return -(-size // CHUNK_BYTES)


def chunk_spans(size: int) -> Iterator[range]:
    """The bytes of each chunk of an image of so many bytes."""
    return (range(start, min(start + CHUNK_BYTES, size)) for start in range(0, size, CHUNK_BYTES))


def expiry_s(longest_s: int, ttl_s: int | None) -> int:
    """Seconds that a key lives: `longest_s`, or the job's ttlSecondsAfterFinished when that is less; at least one."""
    return longest_s if ttl_s is None else max(1, min(longest_s, ttl_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """What is known of a stored image. It is written last, so an image without one is not there yet.

    `sha256` is the file's, `pixels_sha256` that of the raw RGB samples, top row first. ValueError on a contradiction.
    """

    sha256: str
    pixels_sha256: str
    bytes: int
    chunks: int
    chunk_bytes: int
    attempt: int
    width: int
    height: int
    seconds: float
    max_iterations: int
    picture_version: int

    def __post_init__(self) -> None:
        if not all(_SHA256.fullmatch(digest) for digest in (self.sha256, self.pixels_sha256)):
            raise ValueError("a SHA-256 has 64 lower-case hexadecimal digits")
        if min(self.bytes, self.chunk_bytes, self.attempt, self.width, self.height, self.max_iterations) < 1:
            raise ValueError("sizes, attempt and iterations begin at one")
        if self.chunks != -(-self.bytes // self.chunk_bytes):
            raise ValueError(f"{self.bytes} bytes don't fill {self.chunks} chunks of {self.chunk_bytes}")
        if self.picture_version < 1 or not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError("the picture version begins at one, and a duration isn't negative")

    def to_json(self) -> str:
        """The record as it is stored."""
        return json.dumps({name: getattr(self, field) for field, name in _NAMES.items()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: JsonText) -> "ResultRecord":
        """The record that `to_json` wrote; RecordError on anything else, a missing or an unknown field included."""
        try:
            return cls(**_record_fields(json.loads(text)))
        except (ValueError, RecursionError) as error:
            raise RecordError(f"this is no result record: {error}") from error


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


_NAMES: Final = {field.name: _camel(field.name) for field in dataclasses.fields(ResultRecord)}
_TEXTS: Final = frozenset({"sha256", "pixels_sha256"})


def _record_fields(value: object) -> dict[str, Any]:
    """The fields of a record, each of its type; RecordError on anything else."""
    if not isinstance(value, dict) or value.keys() != set(_NAMES.values()):
        raise RecordError("this is no result record: its fields are others")
    fields = {field: value[name] for field, name in _NAMES.items()}
    for name, given in fields.items():
        wanted = str if name in _TEXTS else (int, float) if name == "seconds" else int
        if not isinstance(given, wanted) or isinstance(given, bool):
            raise RecordError(f"this is no result record: its {_NAMES[name]} is of another type")
    return fields | {"seconds": _finite(fields["seconds"])}


def _finite(number: float) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise ValueError("its seconds are beyond a double") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyImage:
    """Read these chunks back: together they must have this size and this SHA-256, or nothing more is done."""

    chunks: tuple[str, ...]
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRecord:
    """Write the result record; with it the image is there."""

    key: str
    value: str
    expire_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireKeys:
    """Let these keys live so many seconds from now."""

    keys: tuple[str, ...]
    expire_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkKeys:
    """Remove these keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Atomically:
    """Do all of these in this order, or none (MULTI)."""

    steps: tuple[SetRecord | ExpireKeys | UnlinkKeys, ...]


CommitStep = VerifyImage | Atomically


def plan_commit(keys: Keys, record: ResultRecord, ttl_s: int | None = None) -> tuple[CommitStep, ...]:
    """The steps that make the chunks of an attempt, which are all written, the picture; each must succeed first.

    Tiles go with the record's arrival, never before it: until then they are the only memory of the work. `ttl_s` is
    the job's ttlSecondsAfterFinished.
    """
    chunks = keys.chunks(record.attempt, record.chunks)
    image_s, rest_s = expiry_s(IMAGE_EXPIRY_S, ttl_s), expiry_s(TILES_EXPIRY_S, ttl_s)
    return (
        VerifyImage(chunks=chunks, size=record.bytes, sha256=record.sha256),
        Atomically(
            steps=(
                SetRecord(key=keys.result, value=record.to_json(), expire_s=image_s),
                ExpireKeys(keys=(*chunks, keys.run), expire_s=image_s),
                UnlinkKeys(keys=(keys.tiles,)),
                ExpireKeys(keys=(keys.live,), expire_s=rest_s),
            )
        ),
    )


def plan_read(keys: Keys, record: ResultRecord, ttl_s: int | None = None) -> ExpireKeys:
    """What a reader of the image does beside reading: the image's life starts anew."""
    chunks = keys.chunks(record.attempt, record.chunks)
    return ExpireKeys(keys=(keys.result, keys.run, *chunks), expire_s=expiry_s(IMAGE_EXPIRY_S, ttl_s))
