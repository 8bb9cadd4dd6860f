"""The Action: runs once inside a workflow step."""
