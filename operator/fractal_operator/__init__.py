"""The half of ClusteredFractals that talks to Kubernetes: operator, gateway, bridge and their commands."""
