"""The use cases: the way of an event through the house, the same for the Action and the hub."""
