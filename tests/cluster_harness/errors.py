"""What can go wrong with the cluster, as one sentence each: what happened and what to do instead."""


class ClusterError(Exception):
    """A sentence for the person at the terminal; no traceback is needed to understand it."""


class UnfitMachineError(ClusterError):
    """This machine can't carry the cluster, whatever is tried again."""


class BusyError(ClusterError):
    """Somebody else is changing the cluster right now."""


class NotUpError(ClusterError):
    """What was asked for needs a cluster, and none is up."""


class CommandError(ClusterError):
    """A program that the harness called returned an error; the sentence ends with its last words."""


class DeadlineError(ClusterError):
    """Something did not come about before its deadline."""


class RefusalError(ClusterError):
    """The API server answered with an error; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the API server answered {status}: {message}")
        self.status = status
