"""The process `fractal-operator`: what kopf calls, and what answers probes."""
