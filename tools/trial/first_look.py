"""The commands, as tables of contents of what the other modules do."""

from typing import Final

from cluster_harness import cluster, life, packages
from cluster_harness.choice import current_cluster
from cluster_harness.errors import NotUpError
from cluster_harness.layout import Layout
from cluster_harness.progress import Progress

from fractal_console.termination import unwound_by_signals
from trial import cluster_picture, installation, parting, places, proof, remains, removal, target
from trial.local_picture import LocalPicture, Rendering
from trial.speech import say
from trial.target import Target

PICTURES: Final = 2
"""The stages of the example: rendered there, and compared with the one rendered here."""


def show() -> None:
    """The picture here while the cluster comes up, then the product, its picture, and that both are equal."""
    with unwound_by_signals():
        progress = _progress(PICTURES)
        rendering = _render_here(progress)
        try:
            found = _brought_up(progress)
            here = rendering.result()
            installation.install(found, progress)
            there = _render_there(found, progress)
            _compare(here, there, progress)
        finally:
            rendering.stop()
        say(parting.words(found))


def serve() -> None:
    """The product on a cluster, and where it answers."""
    with unwound_by_signals():
        progress = _progress(0)
        found = _brought_up(progress)
        installation.install(found, progress)
        progress.done("ClusteredFractals is up")
        say(parting.words(found))


def ask() -> None:
    """The example from the product that is up, compared with the one rendered here."""
    with unwound_by_signals():
        progress = Progress(PICTURES)
        rendering = _render_here(progress)
        try:
            there = _render_there(target.find(), progress)
            _compare(rendering.result(), there, progress)
        finally:
            rendering.stop()


def uninstall() -> None:
    """The product taken from the cluster that is up, or from the one of KUBECONFIG."""
    with unwound_by_signals():
        removal.uninstall(target.find().product, Progress(removal.STAGES))


def _progress(more: int) -> Progress:
    own = current_cluster() is None
    return Progress((life.STAGES if own else 0) + installation.stages(own=own) + more)


def _render_here(progress: Progress) -> Rendering:
    command = [str(places.FRACTAL), "render", str(places.EXAMPLE)]
    return Rendering(command, places.LOCAL_PICTURE, lambda drawn: progress.aside(f"rendered here, alone:\n{drawn}"))


def _brought_up(progress: Progress) -> Target:
    if current_cluster():
        return target.find()
    remains.remember_packages(packages.missing())
    up = life.up(_layout(), progress)
    progress.skip(life.STAGES)
    return target.of(up)


def _layout() -> Layout:
    """That of the cluster that is up, however many nodes it was given; else the usual one."""
    try:
        return cluster.find().layout
    except NotUpError:
        return Layout()


def _render_there(found: Target, progress: Progress) -> cluster_picture.ClusterPicture:
    progress.stage(f"kubectl apply --server-side -f examples/{places.EXAMPLE.name}")
    cluster_picture.submit(found.jobs)
    job = cluster_picture.follow(found.jobs, progress)
    return cluster_picture.fetch(found, job)


def _compare(here: LocalPicture, there: cluster_picture.ClusterPicture, progress: Progress) -> None:
    progress.stage("comparing the two pictures")
    pixels = proof.prove_equal(here, there)
    where = f"by the world {there.world} in {there.seconds:.1f} s" if there.world else "by the cluster"
    progress.done(f"{there.file}, rendered {where}")
    say(f"It is equal to the one rendered here, pixel by pixel: {pixels} is the SHA-256 of both")


COMMANDS: Final = {"run": show, "serve": serve, "picture": ask, "uninstall": uninstall}
"""What `python -m trial` offers, by its name there."""
