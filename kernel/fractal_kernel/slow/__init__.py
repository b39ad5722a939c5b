"""The slow twins: NumPy code that says what is right, and that the compiled kernels must equal to the bit.

Written to be read beside the formulas, not to be fast. Nothing here imports a compiled module of ours.
"""
