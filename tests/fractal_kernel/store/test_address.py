"""From an address in a setting to a store."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.checkout import ROOT

from fractal_kernel.store.address import AddressError, store_at
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.redis_store import RedisStore


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("file:///var/lib/fractal", FileStore),
        ("file:///home/a%20b", FileStore),
        ("redis://world:secret@redis.clusteredfractals.svc:6379/0", RedisStore),
        ("rediss://redis", RedisStore),
        ("unix:///run/redis.sock", RedisStore),
    ],
)
async def test_an_address_names_a_store(address: str, kind: type[object]) -> None:
    store = store_at(address)
    assert isinstance(store, kind)
    await store.close()


@pytest.mark.parametrize(
    "address", ["", "redis", "http://user:secret@redis", "file:relative", "file://host/path", "s3://bucket"]
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(AddressError, match="begins with redis://") as caught:
        store_at(address)
    assert "secret" not in str(caught.value)


def test_a_store_in_files_does_not_import_redis(tmp_path: Path) -> None:
    code = (
        "import sys; from fractal_kernel.store.address import store_at; "
        f"store_at('file://{tmp_path}'); print('redis' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"
