"""Debian packages that the cluster needs, installed when their programs are missing."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from cluster_harness.command import run, with_system_path

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
        "sysctl": "procps",
        "/usr/lib/cni/bridge": "containernetworking-plugins",
    }
)


START_NOTHING = "#!/bin/sh\nexit 101\n"  # what Debian's packages ask before they start a server
POLICY = Path("/usr/sbin/policy-rc.d")


def missing(programs: Iterable[str] = PACKAGES) -> tuple[str, ...]:
    """Those of the programs that this machine lacks."""
    return tuple(
        program for program in programs if not (Path(program).is_file() or shutil.which(program, path=_path()))
    )


def install(programs: Iterable[str]) -> None:
    """Install the packages of these programs without starting the servers that they bring."""
    names = sorted({PACKAGES[program] for program in programs})
    if not names:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_servers_started():
        run(["apt-get", "update", "-q"], environment=quiet, timeout_s=180)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *names], environment=quiet, timeout_s=600)


def _path() -> str:
    return with_system_path(os.environ)["PATH"]


@contextlib.contextmanager
def _no_servers_started() -> Iterator[None]:
    if POLICY.exists():  # the machine's owner has a say already
        yield
        return
    POLICY.write_text(START_NOTHING)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
