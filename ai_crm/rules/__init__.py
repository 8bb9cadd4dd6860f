"""Rules: what they are made of, how a file becomes them, and what they say about an event. Pure."""
