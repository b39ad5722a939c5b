"""Debian packages that the cluster needs, installed when their programs are missing."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from cluster_harness.command import run

# program → package; a program that somebody installed another way is left as it is
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "buildah": "buildah",
        "containerd": "containerd",
        "ctr": "containerd",
        "conntrack": "conntrack",
        "debootstrap": "debootstrap",
        "etcd": "etcd-server",
        "ip": "iproute2",
        "mount": "mount",
        "nft": "nftables",
        "nsenter": "util-linux",
        "openssl": "openssl",
        "runc": "runc",
        "/usr/lib/cni/bridge": "containernetworking-plugins",
    }
)


def missing(programs: Iterable[str] = PACKAGES) -> tuple[str, ...]:
    """Those of the programs that this machine lacks."""
    return tuple(program for program in programs if not (Path(program).is_file() or shutil.which(program)))


def install(programs: Iterable[str]) -> None:
    """Install the packages of these programs without starting their services."""
    names = sorted({PACKAGES[program] for program in programs})
    if not names:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # runlevel 1: start nothing
    run(["apt-get", "update", "-q"], environment=quiet, timeout_s=180)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *names], environment=quiet, timeout_s=600)
