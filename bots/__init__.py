"""The chat bots: one process per platform, transport only."""
