"""The one Kubernetes binary and two small ones: built from the Go module beside this file, kept by its hash."""

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster_harness.command import run
from cluster_harness.errors import CommandError

MODULE = Path(__file__).parent / "kubernetes"
VERSION_PACKAGE = "k8s.io/component-base/version"
BUILD_TIMEOUT_S = 3600
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """The programs that the module builds, whether or not they are built yet."""

    folder: Path

    @property
    def kubernetes(self) -> Path:
        """Every Kubernetes program in one."""
        return self.folder / "kubernetes"

    @property
    def pause(self) -> Path:
        """The program that holds a pod's namespaces."""
        return self.folder / "pause"

    @property
    def probe(self) -> Path:
        """What the cluster's own tests run in pods."""
        return self.folder / "probe"

    @property
    def built(self) -> bool:
        """Whether all of it can be run."""
        return all(file.is_file() for file in (self.kubernetes, self.pause, self.probe))


def cache_root() -> Path:
    """Where builds are kept, outside of any checkout."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "clusteredfractals" / "kubernetes"


def find(module: Path = MODULE) -> Binary:
    """The binary of this very module."""
    return Binary(folder=cache_root() / fingerprint(module))


def fingerprint(module: Path) -> str:
    """A name for the module's contents: the same files give the same one, anywhere."""
    digest = hashlib.sha256()
    for path in sorted(module.rglob("*")):
        if path.suffix in {".go", ".mod", ".sum"}:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(module)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def kubernetes_version(module: Path = MODULE) -> str:
    """The version of Kubernetes that the module names, such as v1.34.4."""
    return _named(module, r"^\s*k8s\.io/kubernetes (v[\d.]+)$")


def go_version(module: Path = MODULE) -> tuple[int, ...]:
    """The oldest Go that the module is content with."""
    return tuple(int(part) for part in _named(module, r"^go ([\d.]+)$").split("."))


def build(binary: Binary, report: Report, module: Path = MODULE) -> None:
    """Build it, unless another process has done so while we waited for it."""
    binary.folder.mkdir(parents=True, exist_ok=True)
    with _alone(binary.folder), tempfile.TemporaryDirectory(dir=binary.folder) as scratch:
        if binary.built:
            return
        for package, target in (("./pause", binary.pause), ("./probe", binary.probe), (".", binary.kubernetes)):
            _compile(module, package, Path(scratch) / target.name, report)
            (Path(scratch) / target.name).replace(target)


def _compile(module: Path, package: str, target: Path, report: Report) -> None:
    version = kubernetes_version(module)
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s -w", *(f"-X {VERSION_PACKAGE}.{key}={value}" for key, value in stamps.items())])
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    report("fetching Go modules")
    total = len(
        run(["go", "-C", str(module), "list", "-deps", package], environment=environment, timeout_s=900).splitlines()
    )
    command = ["go", "-C", str(module), "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", flags]
    _watch([*command, "-o", str(target), package], environment, total, report)


def _watch(command: list[str], environment: dict[str, str], total: int, report: Report) -> None:
    """Run the build; it prints a line a package as it goes, which is what there is of progress."""
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as building:
        assert building.stderr is not None
        lines: list[str] = []
        for line in building.stderr:
            lines.append(line)
            report(f"package {len(lines)} of at most {total}")
        if building.wait(BUILD_TIMEOUT_S):
            raise CommandError(f"`go build` failed with {building.returncode}: {''.join(lines[-5:]).strip()}")


def _named(module: Path, pattern: str) -> str:
    found = re.search(pattern, (module / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise CommandError(f"{module / 'go.mod'} names nothing that matches {pattern}")
    return found[1]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
