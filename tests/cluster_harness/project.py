"""The project's own images, as `make images` and the tests build them."""

import sys
import tomllib

from cluster_harness import builder, packages
from cluster_harness.cluster import require_root
from cluster_harness.errors import ClusterError

DOCKERFILES = builder.ROOT / "images"
BUILDERS = ("buildah", "debootstrap")
NAMESPACE = "docker.io/clusteredfractals"


def version() -> str:
    """The version that pyproject.toml names; images are tagged with it."""
    found: str = tomllib.loads((builder.ROOT / "pyproject.toml").read_text())["project"]["version"]
    return found


def names() -> list[str]:
    """What there is a Dockerfile for, such as `kernel`."""
    return sorted(file.stem for file in DOCKERFILES.glob("*.Dockerfile"))


def image(name: str) -> str:
    """The full name of an image, as the manifests have it."""
    return f"{NAMESPACE}/{name}:{version()}"


def build(name: str) -> str:
    """Build the image; its full name."""
    builder.build(DOCKERFILES / f"{name}.Dockerfile", image(name))
    return image(name)


def build_all() -> None:
    """Build all of them."""
    for name in names():
        build(name)


def main() -> int:
    """Build all of them; 1 with one sentence when that can't be done."""
    try:
        require_root()
        packages.install(packages.missing(BUILDERS))
        build_all()
    except ClusterError as error:
        sys.stderr.write(f"images: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
