"""Images built with buildah, with what this host needs to reach packages lent for the time of the build.

Nothing of it stays: apt's configuration is mounted over the base's own folders, and pip's lies in /mnt, which every
base has and which is empty again afterwards.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster_harness import base
from cluster_harness.command import run

ROOT = Path(__file__).parents[2]
STANDINS = Path(__file__).parent / "standins"
REDIS = "docker.io/library/redis:7.0"
BUILD_S = 1800
LENT = "/mnt"
APT = ("/etc/apt/apt.conf.d", "/etc/apt/sources.list.d")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def build(dockerfile: Path, name: str, context: Path = ROOT) -> None:
    """Build the image `name`; what has not changed since the last time is not done again."""
    if not base.exists():
        base.make()
    with _lent() as lent:
        volumes = [f"--volume={lent}:{LENT}:ro", *(f"--volume={folder}:{folder}:ro" for folder in APT)]
        run(
            [
                "buildah",
                "bud",
                "--quiet",
                "--layers",
                "--pull-never",
                "--isolation=chroot",
                f"--build-arg=PIP_CONFIG_FILE={LENT}/pip.conf",
                *volumes,
                f"--file={dockerfile}",
                f"--tag={name}",
                str(context),
            ],
            timeout_s=BUILD_S,
        )


def build_redis() -> str:
    """The name of the image that stands in for the official one of Redis."""
    build(STANDINS / "redis.Dockerfile", REDIS, STANDINS)
    return REDIS


@contextlib.contextmanager
def _lent() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lent-") as scratch:
        folder = Path(scratch)
        lines = ["[global]"]
        if authorities := _authorities():
            shutil.copy(authorities, folder / "authorities.crt")
            lines.append(f"cert = {LENT}/authorities.crt")
        lines += [f"{option} = {value}" for option, value in _pip_settings().items()]
        (folder / "pip.conf").write_text("\n".join(lines) + "\n")
        yield folder


def _authorities() -> Path | None:
    for candidate in (
        os.environ.get("PIP_CERT"),
        os.environ.get("SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
    ):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def _pip_settings() -> dict[str, str]:
    """Where the host's pip looks for packages, by whatever means it was told."""
    told: dict[str, str] = {}
    for line in run(["python3", "-m", "pip", "config", "list"]).splitlines():
        key, _, value = line.partition("=")
        told[key.rpartition(".")[2]] = value.strip("'\"")
    return {option: told[option] for option in PIP_OPTIONS if option in told}
