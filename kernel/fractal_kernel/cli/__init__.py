"""The program `fractal`, and those of its commands that render here. Nothing else may import this package."""
