"""`make run`, twice, and `make stop`: what a person does first."""

import hashlib
import time
from collections.abc import Iterator
from typing import Final

import pytest
from cluster_harness import cluster
from cluster_harness.cluster import Cluster
from cluster_harness.errors import NotUpError
from cluster_harness.sweep import remains
from support.making import make
from support.product import Product
from trial import places
from trial.pixels import pixels_sha256

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

AGAIN_S: Final = 60.0
SLACK: Final = 3
STOPPED_S: Final = 10.0


@pytest.fixture
def passing(own_cluster: Cluster, installations: dict[int, Product]) -> Iterator[Cluster]:
    """A cluster that the test takes down, and all that is installed on it."""
    yield own_cluster
    installations.clear()


@pytest.mark.usefixtures("passing")
def test_make_run_ends_with_equal_pictures_and_make_stop_undoes_it() -> None:
    before = places.PICTURE.read_bytes() if places.PICTURE.exists() else None
    places.PICTURE.unlink(missing_ok=True)
    try:
        first = make("run", timeout_s=1500)
        assert first.returncode == 0, first.stderr
        assert "Nothing else is changed" in first.stdout
        assert "rendered here, alone:" in first.stderr
        equal = f"equal to the one rendered here, pixel by pixel: {pixels_sha256(places.PICTURE)}"
        assert equal in first.stdout
        assert "The gateway answers at http://127.0.0.1:" in first.stdout
        picture = hashlib.sha256(places.PICTURE.read_bytes()).hexdigest()

        began = time.monotonic()
        again = make("run")
        took_s = time.monotonic() - began
        print(f"\n`make run` again took {took_s:.1f} s (bound {AGAIN_S:g} s)")
        assert again.returncode == 0, again.stderr
        assert hashlib.sha256(places.PICTURE.read_bytes()).hexdigest() == picture
        assert took_s < SLACK * AGAIN_S

        began = time.monotonic()
        stopped = make("stop")
        print(f"\n`make stop` took {time.monotonic() - began:.1f} s (bound {STOPPED_S:g} s)")
        assert stopped.returncode == 0, stopped.stderr
        assert f"rm {places.PICTURE}" in stopped.stdout, "the picture stays, and it says how to be rid of it"
        assert remains() == []
        with pytest.raises(NotUpError):
            cluster.find()
    finally:
        if before is not None:
            places.PICTURE.write_bytes(before)
        else:
            places.PICTURE.unlink(missing_ok=True)
