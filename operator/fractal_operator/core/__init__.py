"""Decisions and names, without any input or output: what the other rooms may import freely."""
