"""The hub's contract with its callers, and how it is told."""
