"""What can go wrong between a command and a cluster. Each message is one sentence with its remedy."""

from typing import Final

from fractal_api.errors import PermanentError, TemporaryError

REMEDY: Final = "ask who runs the platform for the Role fractal-port-forward there"
"""What lets somebody fetch pictures and logs who may not yet."""


class ClusterAway(TemporaryError):  # noqa: N818 - it names the state of the cluster
    """The API server, or what is behind it, doesn't answer."""


class NoCluster(PermanentError):  # noqa: N818 - it names what is missing
    """No kubeconfig says where a cluster is, or what is needed for reading it isn't installed."""


class Refused(PermanentError):  # noqa: N818 - it names the answer
    """The API server refuses what was asked: a missing right, a taken name, an object that can't be."""


class Taken(PermanentError):  # noqa: N818 - it names the answer
    """There is an object of this name already."""


class Unknown(PermanentError):  # noqa: N818 - it names the answer
    """There is no such object."""


class NotInstalled(PermanentError):  # noqa: N818 - it names the state of the cluster
    """The cluster doesn't know FractalJobs, or has no gateway."""


class JobFailed(PermanentError):  # noqa: N818 - it names the state of the job
    """The job that was waited for failed, or is gone."""


class PictureLost(PermanentError):  # noqa: N818 - it names the state of the picture
    """There is no picture, or what came isn't it."""
