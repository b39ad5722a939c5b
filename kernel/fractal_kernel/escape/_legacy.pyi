from typing import Any

import numpy as np
from numpy.typing import NDArray

def has_avx2() -> bool: ...
def render(
    picture: dict[str, Any],
    rects: NDArray[np.int64],
    rgb: NDArray[np.uint8],
    avx2: bool,
    control: NDArray[np.int64],
) -> bool: ...
def counts(
    picture: dict[str, Any],
    rect: NDArray[np.int64],
    counts: NDArray[np.int64],
    avx2: bool,
    control: NDArray[np.int64],
) -> bool: ...
