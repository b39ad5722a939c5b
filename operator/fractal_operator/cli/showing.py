"""A picture in the terminal, from its bytes as they come."""

import os
import sys
from dataclasses import dataclass

from fractal_console import show
from fractal_console.thumbnail import Thumbnail
from fractal_operator.core.job_view import JobView


@dataclass(frozen=True, slots=True)
class Picture:
    """The thumbnail that `--show` draws; none where standard output is no terminal, or the size isn't known."""

    thumbnail: Thumbnail | None

    def draw(self) -> None:
        """Draw what the thumbnail has collected."""
        if self.thumbnail is not None:
            for line in show.half_blocks(self.thumbnail.rgb, true_color=show.has_true_color(os.environ)):
                sys.stdout.write(f"{line}\n")


def picture_of(job: JobView, wanted: bool) -> Picture:
    """The picture of the job, if it is to be shown."""
    terminal = show.terminal() if wanted else None
    result = job.status.result
    if terminal is None or result is None:
        return Picture(None)
    return Picture(show.fitting(result.width, result.height, show.screen_of(terminal)))
