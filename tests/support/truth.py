"""A picture as one process renders it: what every fault must come to."""

from dataclasses import dataclass
from typing import Any, Final

from fractal_api import GROUP, VERSION
from fractal_api.canonical import canonical_spec, picture_key
from fractal_api.manifests import parse_job
from fractal_kernel.definition import define
from fractal_kernel.image.provenance import texts
from fractal_kernel.render import LocalRenderer, Sinks

MANY_TILES: Final[dict[str, Any]] = {
    # A CPU second in 1,024 tiles of very different cost.
    "fractal": {
        "type": "Mandelbrot",
        "center": {"re": "-0.743643887037", "im": "0.131825904205"},
        "zoom": "2000000",
        "maxIterations": 8_000,
    },
    "image": {"width": 512, "height": 512, "blockSize": 16, "samples": 4},
}

LASTING: Final = MANY_TILES | {"fractal": MANY_TILES["fractal"] | {"maxIterations": 32_000}}
"""Some times as much to do, where a test must do something before a rendering is over that nothing holds up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The spec, its key, its number of tiles, and its picture."""

    spec: dict[str, Any]
    key: str
    tiles: int
    image: bytes
    pixels_sha256: str


class _Memory:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes | memoryview) -> None:
        self.data += data


def render_truth(values: dict[str, Any]) -> Truth:
    """Render a spec in this process."""
    manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "FractalJob", "metadata": {"name": "x"}, "spec": values}
    spec = parse_job(manifest).spec
    definition, memory = define(spec), _Memory()
    renderer = LocalRenderer(definition=definition, texts=texts(canonical_spec(spec)), threads=2)
    rendered = renderer.run(Sinks(png=memory), lambda _: None)
    return Truth(
        spec=values,
        key=picture_key(spec),
        tiles=len(definition.frame.grid),
        image=bytes(memory.data),
        pixels_sha256=rendered.pixels_sha256,
    )
