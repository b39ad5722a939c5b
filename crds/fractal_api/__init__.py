"""The contract of ClusteredFractals: what a FractalJob may say, and how its parts travel and are stored.

Pure code on the standard library and pydantic, shared by the operator half and the kernel half, which never import
each other. This module itself imports nothing, so that an MPI rank can use the light rooms without paying for pydantic.
"""

from typing import Final

GROUP: Final = "clusteredfractals.dev"
VERSION: Final = "v1alpha1"

PICTURE_VERSION: Final = 1
"""The version of the arithmetic that defines a picture; tiles and pictures of different versions never mix."""
