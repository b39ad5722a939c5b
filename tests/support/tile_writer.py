"""A process that puts tiles into a store, or commits an image again and again, until it is killed.

    python -m support.tile_writer ADDRESS tiles BATCHES    prints "acknowledged INDEX…" after each batch
    python -m support.tile_writer ADDRESS commit UID…      prints "committing UID" before each commit

Both print "done" at the end. A store that goes away is waited for.
"""

import asyncio
import sys

from support.pictures import SPEC, put_image, record_of, run_key, tiles

from fractal_kernel.store.address import store_at
from fractal_kernel.store.interface import Store, StoreAway

_RETRY_S = 0.01
BATCH = 4
"""Tiles in a batch."""


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def write_tiles(store: Store, batches: int) -> None:
    """Put every tile that isn't there yet, batch by batch."""
    run = run_key()
    have = (await store.open_run(run, SPEC)).acknowledged
    wanted = [index for index in range(batches * BATCH) if index not in have]
    while wanted:
        batch = wanted[:BATCH]
        try:
            await store.put_tiles(run, tiles(*batch))
        except StoreAway:
            await asyncio.sleep(_RETRY_S)
            continue
        say("acknowledged", *batch)
        del wanted[:BATCH]
    say("done")


async def commit_images(store: Store, uids: list[str]) -> None:
    """Give each run tiles and an image, and commit it; a run that was cut short goes on from what there is."""
    for uid in uids:
        run = run_key(uid=uid)
        while True:
            try:
                if (await store.open_run(run, SPEC)).result is None:
                    await store.put_tiles(run, tiles(0, 1))
                    await put_image(store, run)
                    say("committing", uid)
                    await store.commit(run, record_of())
                await store.release(run)
                break
            except StoreAway:
                await asyncio.sleep(_RETRY_S)
    say("done")


async def main(address: str, task: str, *arguments: str) -> None:
    store = store_at(address)
    try:
        await (write_tiles(store, int(arguments[0])) if task == "tiles" else commit_images(store, list(arguments)))
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
