"""A real redis-server for tests: started, stopped, killed, paused and restarted on its own data.

It listens on a Unix socket in its own folder, so that no two tests can meet at a port.
"""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

_START_TIMEOUT_S: Final = 20.0
_RETRY_S: Final = 0.02

MISSING: Final = (
    "redis-server is not installed, and the store's tests mean nothing without it: apt-get install redis-server"
)


class RedisServer:
    """A redis-server as the project deploys it: append-only, synced at each write, never evicting.

    `settings` are further lines of redis.conf, by name.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(folder),
            "logfile": str(folder / "redis.log"),
            "save": '""',
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            **{name.replace("_", "-"): value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it, without a user."""
        return self.url_for()

    def url_for(self, user: str = "", password: str = "") -> str:
        """Where clients find it, as that ACL user."""
        who = f"{user}:{password}@" if user else ""
        return f"unix://{who}{self.socket}"

    def start(self) -> None:
        """Start it on the data that is there, and return when it answers."""
        program = shutil.which("redis-server")
        if program is None:
            raise AssertionError(MISSING)
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "redis.conf"
        configuration.write_text("".join(f"{name} {value}\n" for name, value in self.settings.items()))
        self._process = subprocess.Popen([program, configuration])
        try:
            with self.client() as client:
                client.ping()
        except redis.RedisError:
            self.kill()
            raise

    def client(self) -> redis.Redis:
        """A client with every right, which waits for the server to come up."""
        tries = int(_START_TIMEOUT_S / _RETRY_S)
        errors: list[type[Exception]] = [redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError]
        return redis.Redis(
            unix_socket_path=str(self.socket), retry=Retry(ConstantBackoff(_RETRY_S), tries), retry_on_error=errors
        )

    def stop(self) -> None:
        """End it in good order; harmless when it doesn't run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to write anything."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self._running.send_signal(signal.SIGCONT)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "redis-server was not started"
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
