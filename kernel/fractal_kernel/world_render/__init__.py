"""Rendering by a world of ranks on this machine, without a cluster: what `fractal render -n` does."""
