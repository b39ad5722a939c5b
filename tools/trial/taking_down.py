"""`make stop`: what `make run` began, undone.

With the standard library alone, so that it works after `make clean` too.
"""

from cluster_harness import cgroups, life
from cluster_harness.choice import current_kubeconfig

from trial import places, remains
from trial.speech import say


def stop() -> None:
    """Take down the cluster, or only the product where the cluster is somebody else's; say what stays."""
    if current_kubeconfig():
        from trial import first_look  # noqa: PLC0415 - it needs libraries

        first_look.uninstall()
    else:
        _take_down()
    places.LOCAL_PICTURE.unlink(missing_ok=True)
    say("What stays, and how to be rid of it:")
    say(remains.table(remains.remains()))


def _take_down() -> None:
    was_up = bool(cgroups.members())
    life.down()
    if was_up:
        say("The cluster is down, and all that it ran and stored is gone: no process, mount or network of it is left.")
    else:
        say("No cluster was up here.")
