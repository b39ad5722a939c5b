"""Those commands of `fractal` that talk to a cluster, through a kubeconfig alone. Nothing may import this package."""
