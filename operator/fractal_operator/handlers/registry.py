"""Where every handler of ours registers: kopf's global registry would make it matter who imports what."""

from typing import Final

import kopf

REGISTRY: Final = kopf.OperatorRegistry()
"""Passed to each decorator as `registry=REGISTRY`; the process runs kopf with it."""
