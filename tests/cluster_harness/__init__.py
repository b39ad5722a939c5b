"""A real Kubernetes on one bare Debian machine."""
