"""What the commands of `fractal` share, whichever half they belong to: files read strictly, results written whole.

It knows terminals, files and click, and nothing of rendering or of Kubernetes. Neither half is imported here.
"""
