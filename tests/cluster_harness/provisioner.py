"""The program that makes and removes the folders behind PersistentVolumes; it runs beside the control plane."""

import contextlib
import http.client
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cluster_harness import volumes
from cluster_harness.api import Api, Object
from cluster_harness.errors import RefusalError
from cluster_harness.mirror import Mirror

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
SETTLED = frozenset({http.client.CONFLICT, http.client.NOT_FOUND})  # made or deleted before: the mirror lags


def main(kubeconfig: str, root: str) -> None:
    """Serve claims for ever; when the API server is away this ends, and is started again."""
    api = Api(Path(kubeconfig))
    mirror = Mirror(api, [CLAIMS, VOLUMES])
    mirror.start()
    while True:
        mirror.changed.wait()
        mirror.changed.clear()
        if found := mirror.snapshot():
            _make(api, found[CLAIMS], root)
            _remove(api, found[VOLUMES], root)


def _make(api: Api, claims: Sequence[Object], root: str) -> None:
    for claim in claims:
        if volume := volumes.wanted(claim, root):
            folder = Path(volume.path)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)  # a pod of any user writes here: hostPath knows no fsGroup
            with _unless_settled():
                api.create(VOLUMES, volume.manifest)


def _remove(api: Api, found: Sequence[Object], root: str) -> None:
    for volume in found:
        if volumes.given_back(volume):
            name = volume["metadata"]["name"]
            shutil.rmtree(Path(root) / name, ignore_errors=True)  # by its name, whatever path the object holds
            with _unless_settled():
                api.delete(f"{VOLUMES}/{name}")


@contextlib.contextmanager
def _unless_settled() -> Iterator[None]:
    try:
        yield
    except RefusalError as error:
        if error.status not in SETTLED:
            raise


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
