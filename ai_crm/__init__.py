"""AI-CRM: turns what happens where work is reported into tasks, and tells the people who talk about it."""

__version__ = "2.0.0.dev0"
