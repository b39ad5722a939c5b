"""From an address in a setting to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from fractal_api.errors import PermanentError
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import Store


class AddressError(PermanentError):
    """What should be the address of a store is none."""


def store_at(address: str) -> Store:
    """The store at redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://…, unix://[USER:PASSWORD@]/SOCKET or file:///FOLDER.

    Nothing is connected or made yet. AddressError for anything else; it doesn't repeat the address, which may hold a
    password.
    """
    parts = urlsplit(address)
    match parts.scheme:
        case "file" if parts.path.startswith("/") and not parts.netloc:
            return FileStore(Path(unquote(parts.path)))
        case "redis" | "rediss" | "unix":
            # Here, since it costs a tenth of a second that a store in files need not pay.
            from fractal_kernel.store.redis_store import RedisStore  # noqa: PLC0415

            return RedisStore(address)
        case _:
            raise AddressError("a store's address begins with redis://, rediss://, unix:// or file:///")
