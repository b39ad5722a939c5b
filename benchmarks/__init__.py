"""What docs/performance.md reports: each module measures one thing, and prints its figures and the machine."""
