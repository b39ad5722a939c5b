"""The half of ClusteredFractals that renders: kernel, MPI world, agent and result store."""
