"""What `make run` will install and change, said before any of it is; or the one reason why it can't.

With the standard library alone: it is run before anything is installed.
"""

from dataclasses import dataclass

from cluster_harness import binary, packages, project
from cluster_harness.builder import REDIS
from cluster_harness.choice import current_kubeconfig
from cluster_harness.cluster import require_root
from cluster_harness.errors import UnfitMachineError
from cluster_harness.layout import API_HOST_PORT, GATEWAY_HOST_PORT, STATE
from cluster_harness.machine import examine, objection

from trial import places

PACKAGES_MB = 220  # all of packages.PACKAGES, as dpkg says on Debian 12
BUILD_GB = 4  # modules and Go's build cache
BUILD_MINUTES = 8  # on two cores
IMAGES_GB = 2
IMAGES_MINUTES = 4
BEGINNING = "This brings up all of ClusteredFractals on this machine, in a Kubernetes of its own. It needs:"
END = "Nothing else is changed. `make stop` takes it down again and says what stays."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is missing on this machine, and so will be made."""

    packages: tuple[str, ...]
    kubernetes: str | None
    """The version to be built; None when it is built already."""

    cache: str
    images: bool


def survey() -> Plan:
    """What this machine lacks; UnfitMachineError when it can't carry the cluster."""
    require_root()
    built = binary.find()
    lacking = packages.missing()
    facts = examine(
        go_needed=binary.go_version(), binary_built=built.built, programs_missing=lacking, cache=built.folder
    )
    if reason := objection(facts):
        raise UnfitMachineError(reason)
    return Plan(
        packages=tuple(sorted({packages.PACKAGES[program] for program in lacking})),
        kubernetes=None if built.built else binary.kubernetes_version(),
        cache=str(built.folder.parent),
        images=not (STATE / "node-1" / "containerd" / "carried.json").exists(),
    )


def announced(plan: Plan) -> str:
    """The plan, as a person reads it."""
    needs: list[tuple[str, str]] = []
    if plan.packages:
        needs.append(("Debian packages", ", ".join(plan.packages)))
        needs.append(("", f"(apt-get, {PACKAGES_MB} MB at most; none of their servers is started)"))
    if plan.kubernetes:
        needs.append(("Kubernetes", f"{plan.kubernetes}, built from its Go modules, once: {BUILD_MINUTES} minutes"))
        needs.append(("", f"on two cores, {BUILD_GB} GB in Go's caches, the result in {plan.cache}"))
    if plan.images:
        needs.append(("images", f"{', '.join(project.names())} and redis, on Debian's base: {IMAGES_MINUTES} minutes,"))
        needs.append(("", f"{IMAGES_GB} GB in buildah's store and {STATE}"))
    needs.append(("while it is up", f"network namespaces, mounts and control groups called {places.NAMESPACE},"))
    needs.append(("", f"{STATE}, and ports {API_HOST_PORT} and {GATEWAY_HOST_PORT} of 127.0.0.1 (or free ones)"))
    needs.append(("in this folder", f".venv, build/, {places.PICTURE.name}"))
    table = "\n".join(f"  {name:16}  {text}" for name, text in needs)
    return f"{BEGINNING}\n\n{table}\n\n{END}\n"


def announcement() -> str:
    """What will happen, on this machine or on the cluster that KUBECONFIG names."""
    current = current_kubeconfig()
    if current is None:
        return announced(survey())
    images = "\n".join(f"  {image}" for image in (*map(project.image, project.names()), REDIS))
    return f"""\
FRACTAL_CLUSTER=current: ClusteredFractals is installed on the cluster of {current},
in the namespaces {places.NAMESPACE} and {places.FIRST_WORLD}. Nothing is built or loaded: it must have a default
StorageClass, and its nodes must be able to pull

{images}

`make images REGISTRY=…` builds and pushes ours; manifests/overlays/registry names them, and
FRACTAL_MANIFESTS=FOLDER installs such an overlay. `make uninstall` takes it all away again.
"""
