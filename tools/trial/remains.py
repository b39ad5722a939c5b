"""What stays on the machine when the cluster is down, how much it is, and how to be rid of it."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster_harness import binary, packages
from cluster_harness.command import run
from cluster_harness.errors import CommandError
from cluster_harness.layout import STATE

from trial import places

PACKAGES = STATE / "packages"
"""The Debian packages that were missing before the first `make run`, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remain:
    """Something that stays: what it is, its size where that is known, and the command that removes it."""

    what: str
    size: int | None
    removal: str


def remember_packages(programs: Iterable[str]) -> None:
    """Note the packages that are about to be installed for these programs."""
    known = set(PACKAGES.read_text().split()) if PACKAGES.exists() else set()
    if added := known | {packages.PACKAGES[program] for program in programs}:
        STATE.mkdir(parents=True, exist_ok=True)
        PACKAGES.write_text("\n".join(sorted(added)) + "\n")


def remains() -> Iterator[Remain]:
    """What there is, with the commands that remove it."""
    if places.PICTURE.exists():
        yield Remain(what="the picture", size=places.PICTURE.stat().st_size, removal=f"rm {places.PICTURE}")
    folders = (
        ("images and logs of the nodes", STATE),
        ("the built Kubernetes", binary.cache_root()),
    )
    for what, folder in folders:
        if folder.exists():
            yield Remain(what=what, size=_bytes(folder), removal=f"rm -r {folder}")
    if storage := _images():
        yield Remain(what="images, as they were built", size=_bytes(storage), removal="buildah rmi --all --force")
    if shutil.which("go"):
        yield Remain(what="Go's modules and build cache", size=_go_bytes(), removal="go clean -cache -modcache")
    if PACKAGES.exists():
        names = " ".join(PACKAGES.read_text().split())
        yield Remain(what="Debian packages", size=None, removal=f"apt-get purge {names}")
    yield Remain(what="what `make install` made", size=None, removal="make clean")


def table(found: Iterator[Remain]) -> str:
    """One line each, with sizes."""
    rows = [(entry.what, _short(entry.size), entry.removal) for entry in found]
    width = max(len(what) for what, _, _ in rows)
    return "\n".join(f"  {what:{width}}  {size:>8}  {removal}" for what, size, removal in rows)


def _images() -> Path | None:
    folder = Path("/var/lib/containers/storage")
    return folder if shutil.which("buildah") and folder.exists() else None


def _go_bytes() -> int:
    try:
        folders = run(["go", "env", "GOCACHE", "GOMODCACHE"]).split()
    except CommandError:
        return 0
    return sum(_bytes(Path(folder)) for folder in folders)


def _bytes(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            status = (Path(root) / name).lstat()
            total += status.st_blocks * 512
    return total


def _short(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
