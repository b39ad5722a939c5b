"""The agent of a world: it keeps the ranks up, renders the runs that it is asked for, and alone talks to the store."""
