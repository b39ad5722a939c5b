"""The process `fractal-gateway`: HTTP for those who have no kubectl."""
