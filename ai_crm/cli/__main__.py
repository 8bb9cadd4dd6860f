"""Lets `python -m ai_crm.cli` be the same as `ai-crm`, for where scripts are not on the PATH."""

from ai_crm.cli import main

main()
