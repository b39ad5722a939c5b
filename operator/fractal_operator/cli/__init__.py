"""The commands of `fractal` that need a cluster."""
