"""What the pods of a world run: the first one the agent, the others an sshd for mpirun. Standard library only."""
