"""The outside, one module a neighbour: API server, agents, result store. Foreign errors are translated here."""
