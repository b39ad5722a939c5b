import numpy as np
from numpy.typing import NDArray

from fractal_kernel.definition import GridDefinition

GUESSES: int
POINT_BYTES: int
WINDOW_BYTES: int
SETS: tuple[str, ...]
CALLS_LIBM: bool

def has(instructions: int) -> bool: ...

class Loops:
    def __init__(
        self,
        definition: GridDefinition,
        tables: tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]],
        instructions: int,
        shortcuts: int,
    ) -> None: ...
    def render(
        self,
        rects: NDArray[np.int64],
        rgb: NDArray[np.uint8],
        window: NDArray[np.uint8],
        control: NDArray[np.int64],
    ) -> bool: ...
    def escapes(
        self,
        rect: NDArray[np.int64],
        side: int,
        counts: NDArray[np.int64],
        fractions: NDArray[np.float64] | None,
        window: NDArray[np.uint8],
        control: NDArray[np.int64],
    ) -> bool: ...
    def start(self, pixels: NDArray[np.int64], points: NDArray[np.uint8], window: NDArray[np.uint8]) -> None: ...
    def advance(
        self,
        points: NDArray[np.uint8],
        count: int,
        limit: int,
        window: NDArray[np.uint8],
        control: NDArray[np.int64],
    ) -> bool: ...
