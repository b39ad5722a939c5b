"""Images on the nodes: no registry is reachable from there, so they are carried in."""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cluster_harness import archive
from cluster_harness.command import run
from cluster_harness.errors import CommandError
from cluster_harness.layout import Layout, Node
from cluster_harness.node import PAUSE_IMAGE

IMPORT_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image to be carried in: a file that holds it, and what tells whether a node has it already."""

    name: str
    identity: str
    file: Path


def load(layout: Layout, names: Sequence[str]) -> None:
    """Carry images of buildah's store, or archives made by `save`, to every node that lacks them."""
    for name in names:
        with _found(layout, name) as image:
            carry(layout, image)


def load_pause(layout: Layout, program: Path) -> None:
    """Carry in the image that holds every pod's namespaces."""
    with tempfile.TemporaryDirectory(dir=layout.state) as scratch:
        file = Path(scratch) / "pause.tar"
        archive.write(file, PAUSE_IMAGE, {"pause": program.read_bytes()}, ["/pause"])
        carry(layout, Image(name=PAUSE_IMAGE, identity=_digest(file), file=file))


def carry(layout: Layout, image: Image) -> None:
    """Import the image on the nodes that lack it, on all at the same time."""
    lacking = [node for node in layout.nodes if _known(node).get(image.name) != image.identity]
    with ThreadPoolExecutor(max_workers=max(1, len(lacking))) as pool:
        for _ in pool.map(lambda node: _import(node, image), lacking):
            pass  # an error of a node's is raised here


@contextlib.contextmanager
def _found(layout: Layout, name: str) -> Iterator[Image]:
    if Path(name).is_file():
        yield Image(name=name, identity=_digest(Path(name)), file=Path(name))
        return
    built = identity(name)
    with tempfile.TemporaryDirectory(dir=layout.state) as scratch:
        file = Path(scratch) / "image.tar"
        lacking = any(_known(node).get(name) != built for node in layout.nodes)
        if lacking:
            run(["buildah", "push", "--quiet", name, f"docker-archive:{file}:{name}"], timeout_s=IMPORT_S)
        yield Image(name=name, identity=built, file=file)


def identity(name: str) -> str:
    """What tells an image of buildah's store from another one of the same name."""
    if shutil.which("buildah"):
        with contextlib.suppress(CommandError):
            return str(json.loads(run(["buildah", "inspect", "--type", "image", name]))["FromImageID"])
    raise CommandError(f"there is no image {name} in buildah's store and no file of that name: build it first")


def _import(node: Node, image: Image) -> None:
    ctr = ["ctr", "--address", str(node.containerd_socket), "--namespace", "k8s.io"]
    run([*ctr, "images", "import", image.file], timeout_s=IMPORT_S)
    _note(node, {**_known(node), image.name: image.identity})


def _known(node: Node) -> dict[str, str]:
    """Names and identities of what the node has; it lies in containerd's folder and so is gone when that is."""
    try:
        known: dict[str, str] = json.loads((node.containerd_root / "carried.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return known


def _note(node: Node, known: dict[str, str]) -> None:
    (node.containerd_root / "carried.json").write_text(json.dumps(known))


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
