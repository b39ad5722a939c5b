"""The errors of the project: one tree, in which each leaf says whether trying again can help.

A leaf is Temporary (a fault of the day: wait and retry) or Permanent (a retry would fail alike: tell a person). Modules
add leaves of their own beneath these; foreign exceptions are translated where they arise.
"""


class FractalError(Exception):
    """Anything that this project reports as an error of its own."""


class PermanentError(FractalError):
    """Trying again would fail in the same way."""


class TemporaryError(FractalError):
    """Trying again later may succeed."""


class SpecError(PermanentError):
    """What a person asked for can't be done; the message is one sentence: the field, what it may be, what was given.

    `field` is the dotted path in the manifest ("spec.image.samples"), or the flag for a command line ("--samples").
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field, sentence)
        self.field = field
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class TileError(PermanentError):
    """A blob is no tile of ours, is damaged, or is of another version."""


class RecordError(PermanentError):
    """A stored value is no record of ours, or is damaged."""
