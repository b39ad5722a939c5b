"""`fractal render` as a process of its own, with caches and temporary files in a place that is the test's alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from support.agent_process import MARK, Place
from support.truth import Truth

from fractal_api import GROUP, VERSION


class RenderProcess:
    """A rendering of the truth's spec into `picture.png`, in a session of its own as a terminal's job is.

    `instructions` is what it is told to use, instead of the widest that the processor has; `ledger` stands for that of
    the place. As a context it is killed at the end, unless it is over by then.
    """

    def __init__(
        self,
        place: Place,
        truth: Truth,
        *arguments: str,
        path: str | None = None,
        instructions: str = "",
        ledger: Path | None = None,
    ) -> None:
        place.temporary.mkdir(exist_ok=True)
        self.place = place
        self.picture = place.root / "picture.png"
        job = place.root / "job.yaml"
        manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "FractalJob", "metadata": {"name": "picture"}}
        job.write_text(json.dumps(manifest | {"spec": truth.spec}))
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(place.root / "cache"),
            "TMPDIR": str(place.temporary),
            "FRACTAL_LEDGER": str(ledger or place.ledger),
            "FRACTAL_INSTRUCTIONS": instructions,
            MARK: str(place.root),
        }
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("fractal")),
                "render",
                str(job),
                "-o",
                str(self.picture),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment if path is None else environment | {"PATH": path},
            start_new_session=True,
        )
        self.errors = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.send(signal.SIGKILL)
        self._process.communicate()

    def wait(self, timeout_s: float = 120) -> int:
        """Its exit code; what it said on standard error is then in `errors`."""
        _, self.errors = self._process.communicate(timeout=timeout_s)
        return self._process.returncode

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all that the terminal would."""
        os.killpg(self._process.pid, number)

    @property
    def unfinished(self) -> list[Path]:
        """What is kept for the next call."""
        return list((self.place.root / "cache" / "clusteredfractals" / "renders").glob("*/*"))
