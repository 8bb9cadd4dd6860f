"""What a run without a database must not pay for: its store brings in nothing that a database needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = {"sqlalchemy", "psycopg", "sqlite3", "asyncio", "logging", "dataclasses", "pathlib"}


def test_the_store_without_a_database_imports_no_database(root: Path) -> None:
    program = "import sys, ai_crm.store.card, ai_crm.store.memory; print(*sys.modules)"
    command = (sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}")
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout.split()

    assert HEAVY.intersection(loaded) == set()
