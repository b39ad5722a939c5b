"""That the cluster's picture and this machine's are the same: by what both said, and by what lies in both files."""

from cluster_harness.errors import ClusterError

from trial.cluster_picture import ClusterPicture
from trial.local_picture import LocalPicture
from trial.pixels import pixels_sha256


class UnequalError(ClusterError):
    """Two pictures of one FractalJob differ, which must never be."""


def prove_equal(here: LocalPicture, cluster: ClusterPicture) -> str:
    """The SHA-256 of the pixels of both; UnequalError, with all four sums, when they are not one and the same."""
    sums = {
        f"{here.file}, as the renderer said": here.pixels_sha256,
        f"{here.file}, as read": pixels_sha256(here.file),
        "status.result.pixelsSha256 of the FractalJob": cluster.pixels_sha256,
        f"{cluster.file}, as read": pixels_sha256(cluster.file),
    }
    if len(set(sums.values())) > 1:
        listed = "; ".join(f"{what}: {value}" for what, value in sums.items())
        raise UnequalError(f"the pictures are not equal, pixel by pixel (SHA-256 of the pixels): {listed}")
    return here.pixels_sha256
