"""The two stores as one suite sees them: how to reach one, break it, and look behind it.

A backend's `connect` gives what a new process would see. Everything else stands for the world around a store.
"""

import contextlib
import json
import os
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, Protocol

from support.redis_server import RedisServer

from fractal_api.storage import Keys
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import RunKey, Store
from fractal_kernel.store.redis_store import RedisStore
from fractal_kernel.store.redis_values import as_bytes, as_text

INSTALL: Final = "test"

USER: Final = "world"
PASSWORD: Final = "a-password-for-tests"  # noqa: S105 - it opens a server that lives as long as a test

STORE_COMMANDS: Final = (
    "ping hset hget hgetall hkeys get set expire unlink watch unwatch multi exec discard".split()  # noqa: SIM905
)
"""What an ACL user of the store must be allowed, and all that it needs."""


class Backend(Protocol):
    """A place where stores keep their things."""

    @property
    def address(self) -> str:
        """Where a process of its own finds it."""

    def connect(self, *, timeout_s: float = 20) -> Store:
        """A store on this place, as a new process would open it."""

    def absent(self) -> contextlib.AbstractContextManager[None]:
        """A time in which the place can't be reached. It begins before any run was opened there."""

    def hanging(self, run: RunKey) -> contextlib.AbstractContextManager[None]:
        """A time in which `get_chunk` of chunk 0 gets no answer."""

    def full(self) -> contextlib.AbstractContextManager[None]:
        """A time in which there is no room for another mebibyte."""

    def age(self, seconds: float) -> None:
        """Let everything here have been used that much earlier, and what has expired by that be gone."""

    def damage_chunk(self, run: RunKey, number: int) -> None:
        """Change a byte of a chunk."""

    def lose_chunk(self, run: RunKey, number: int) -> None:
        """Let a chunk, and what follows it, be gone."""

    def entries(self, run: RunKey) -> set[str]:
        """The names of all that there is under the run's uid, as the last part of a key; locks don't count."""

    def live(self, run: RunKey) -> dict[str, str]:
        """The live figures."""


class FileBackend:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "store"

    @property
    def address(self) -> str:
        return f"file://{self.root}"

    def connect(self, *, timeout_s: float = 20) -> FileStore:
        return FileStore(self.root, timeout_s=timeout_s)

    @contextlib.contextmanager
    def absent(self) -> Iterator[None]:
        self.root.write_text("not a folder")
        yield
        self.root.unlink()

    @contextlib.contextmanager
    def hanging(self, run: RunKey) -> Iterator[None]:
        # Opening a pipe to read from waits for somebody who writes: a call that hangs as on a dead disk.
        image = self.folder(run) / f"img.{run.attempt}"
        aside = image.rename(image.with_suffix(".aside"))
        os.mkfifo(image)
        yield
        os.close(os.open(image, os.O_RDWR | os.O_NONBLOCK))
        aside.replace(image)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        # A limit on the size of files stands for a full disk: it needs no rights, and fails in the same place.
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def age(self, seconds: float) -> None:
        for path in self.root.rglob("*"):
            times = path.stat()
            os.utime(path, (times.st_atime - seconds, times.st_mtime - seconds))

    def damage_chunk(self, run: RunKey, number: int) -> None:
        with (self.folder(run) / f"img.{run.attempt}").open("r+b") as image:
            image.seek(number << 20)
            byte = image.read(1)
            image.seek(number << 20)
            image.write(bytes([byte[0] ^ 1]))

    def lose_chunk(self, run: RunKey, number: int) -> None:
        os.truncate(self.folder(run) / f"img.{run.attempt}", number << 20)

    def entries(self, run: RunKey) -> set[str]:
        folder = self.folder(run)
        return {path.stem if path.suffix in {".json", ".log"} else path.name for path in folder.glob("*")} - {"lock"}

    def live(self, run: RunKey) -> dict[str, str]:
        figures: dict[str, str] = json.loads((self.folder(run) / "live.json").read_text())
        return figures

    def folder(self, run: RunKey) -> Path:
        return self.root / run.install / run.uid


class RedisBackend:
    """A redis-server, reached as an ACL user who may do what a store needs and nothing else."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.admin = server.client()

    @property
    def address(self) -> str:
        return self.server.url_for(USER, PASSWORD)

    def connect(self, *, timeout_s: float = 20) -> RedisStore:
        return RedisStore(self.address, timeout_s=timeout_s)

    @contextlib.contextmanager
    def absent(self) -> Iterator[None]:
        self.server.kill()
        yield
        self.server.start()

    @contextlib.contextmanager
    def hanging(self, run: RunKey) -> Iterator[None]:
        del run  # a server that stands still does so for all
        self.server.pause()
        yield
        self.server.resume()

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        self.admin.config_set("maxmemory", "1mb")
        yield
        self.admin.config_set("maxmemory", self.server.settings["maxmemory"])

    def age(self, seconds: float) -> None:
        for key in self.admin.scan_iter():
            left_s = self.admin.ttl(key) - seconds
            assert self.admin.ttl(key) > 0, f"{key!r} never expires"
            self.admin.expire(key, int(left_s))  # which removes it when that is past

    def damage_chunk(self, run: RunKey, number: int) -> None:
        key = self._keys(run).chunk(run.attempt, number)
        chunk = as_bytes(self.admin.get(key) or b"")
        self.admin.setrange(key, 0, bytes([chunk[0] ^ 1]))

    def lose_chunk(self, run: RunKey, number: int) -> None:
        self.admin.delete(self._keys(run).chunk(run.attempt, number))

    def entries(self, run: RunKey) -> set[str]:
        prefix = self._keys(run).prefix + ":"
        names = {as_text(key).removeprefix(prefix) for key in self.admin.scan_iter()}
        return {f"img.{name.split(':')[1]}" if name.startswith("img:") else name for name in names}

    def live(self, run: RunKey) -> dict[str, str]:
        return {as_text(name): as_text(value) for name, value in self.admin.hgetall(self._keys(run).live).items()}

    @staticmethod
    def _keys(run: RunKey) -> Keys:
        return Keys(install=run.install, uid=run.uid)


@contextlib.contextmanager
def redis_backend(folder: Path) -> Iterator[RedisBackend]:
    """A redis-server of its own, with the store's user."""
    acl = folder / "users.acl"
    commands = " ".join(f"+{command}" for command in STORE_COMMANDS)
    acl.write_text(f"user default on nopass ~* &* +@all\nuser {USER} on >{PASSWORD} ~fj:{INSTALL}:* -@all {commands}\n")
    with RedisServer(folder, aclfile=str(acl)) as server:
        backend = RedisBackend(server)
        yield backend
        backend.admin.close()


@contextlib.asynccontextmanager
async def connected(backend: Backend, *, timeout_s: float = 20) -> AsyncIterator[Store]:
    """A store for a while."""
    store = backend.connect(timeout_s=timeout_s)
    try:
        yield store
    finally:
        await store.close()
