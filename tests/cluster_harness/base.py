"""Debian's base image, made by debootstrap where no image registry answers."""

import shutil
import tempfile
from pathlib import Path

from cluster_harness.command import run
from cluster_harness.errors import CommandError

BASE = "docker.io/library/debian:bookworm-slim"
SUITE = "bookworm"
DEBOOTSTRAP_S = 600
# What the official image leaves out, by the same means: dpkg then leaves it out of later packages as well.
SLIM = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""
UNWANTED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)


def exists() -> bool:
    """Whether the builder has the base image, from wherever."""
    try:
        run(["buildah", "inspect", "--type", "image", BASE])
    except CommandError:
        return False
    return True


def make() -> None:
    """Make the base image; it takes a minute."""
    with tempfile.TemporaryDirectory(prefix="debootstrap-") as scratch:
        root = Path(scratch) / "root"
        run(["debootstrap", "--variant=minbase", SUITE, root], timeout_s=DEBOOTSTRAP_S)
        _slim(root)
        container = run(["buildah", "from", "scratch"]).strip()
        try:
            run(["buildah", "add", "--quiet", container, root, "/"], timeout_s=DEBOOTSTRAP_S)
            run(["buildah", "config", "--cmd", "bash", container])
            run(["buildah", "commit", "--quiet", container, BASE], timeout_s=DEBOOTSTRAP_S)
        finally:
            run(["buildah", "rm", container])


def _slim(root: Path) -> None:
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
    for unwanted in UNWANTED:
        shutil.rmtree(root / unwanted)
        (root / unwanted).mkdir()
    (root / "var/lib/apt/lists/partial").mkdir()
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    for log in (root / "var/log").rglob("*"):
        if log.is_file():
            log.unlink()
    # debootstrap copies the host's; a container gets its own from whoever runs it
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)
