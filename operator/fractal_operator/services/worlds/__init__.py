"""Keeping worlds: what `core` decides about FractalNamespaces is done here, and what becomes of it is seen."""
