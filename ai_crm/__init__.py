"""AI-CRM: turns what happens where work is reported into tasks, and tells the people who talk about it."""

__version__ = "0.1.0"
