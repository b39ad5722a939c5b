import numpy as np
from numpy.typing import NDArray

from fractal_kernel.definition import LegacyDefinition

WINDOW_BYTES: int

def render(
    instructions: int,
    definition: LegacyDefinition,
    rects: NDArray[np.int64],
    rgb: NDArray[np.uint8],
    window: NDArray[np.uint8],
    control: NDArray[np.int64],
) -> bool: ...
def counts(
    instructions: int,
    definition: LegacyDefinition,
    rect: NDArray[np.int64],
    counts: NDArray[np.int64],
    window: NDArray[np.uint8],
    control: NDArray[np.int64],
) -> bool: ...
