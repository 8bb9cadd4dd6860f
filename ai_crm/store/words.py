"""How full text finds tasks: which words of a task count, and how each of the two databases looks them up.

Both get the same words, made here: letters and digits without case and accents. So both find the same, and nothing that
a stranger typed reaches the language that a database writes its searches in.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, false, select, text

from ai_crm.model.task import Task
from ai_crm.store import tables

# Characters. PostgreSQL refuses to index a text whose words take more than a megabyte.
_MOST = 100_000
_WORD = re.compile(r"[^\W_]+")

_KEEP_SQLITE = text(
    "INSERT OR REPLACE INTO task_words (rowid, workspace, number, words) VALUES (:row, :workspace, :number, :words)"
)
_FORGET_POSTGRESQL = text("DELETE FROM task_words WHERE workspace = :workspace AND number = :number")
_KEEP_POSTGRESQL = text("INSERT INTO task_words (workspace, number, words) VALUES (:workspace, :number, :words)")
_FIND_SQLITE = "SELECT number FROM task_words WHERE task_words MATCH :sought AND workspace = :within"
_FIND_POSTGRESQL = (
    "SELECT number FROM task_words WHERE to_tsvector('simple', words) @@ to_tsquery('simple', :sought)"
    " AND workspace = :within"
)


def keep_words(connection: Connection, workspace: str, number: int, task: Task) -> None:
    """Lets the task be found by what it says now, its comments included. Whoever calls holds its item's lock."""
    comments = connection.execute(
        select(tables.task_comment.c.body)
        .where(tables.task_comment.c.workspace == workspace, tables.task_comment.c.number == number)
        .order_by(tables.task_comment.c.at, tables.task_comment.c.id)
    ).scalars()
    row = {"workspace": workspace, "number": number, "words": " ".join(_words(_texts(task, comments)))}
    if connection.dialect.name == "postgresql":
        connection.execute(_FORGET_POSTGRESQL, {"workspace": workspace, "number": number})
        connection.execute(_KEEP_POSTGRESQL, row)
    else:
        connection.execute(_KEEP_SQLITE, {"row": _row(workspace, number), **row})


def says(connection: Connection, workspace: str, sought: Iterable[str]) -> ColumnElement[bool]:
    """The condition on `task` that it has all of these words or phrases; of each the last word may go on."""
    phrases = [phrase for phrase in map(_phrase, sought) if phrase]
    if not phrases:
        return false()  # nothing but signs, which nobody looks up
    postgresql = connection.dialect.name == "postgresql"
    found = text(_FIND_POSTGRESQL if postgresql else _FIND_SQLITE).bindparams(
        bindparam("sought", " & ".join(map(_tsquery, phrases)) if postgresql else " ".join(map(_fts5, phrases))),
        bindparam("within", workspace),
    )
    return tables.task.c.number.in_(found.columns(tables.task.c.number))


def _texts(task: Task, comments: Iterable[str]) -> Iterable[str]:
    yield from (task.id, task.title, *task.labels, *task.assignees, *((task.agent.name,) if task.agent else ()))
    yield task.description
    yield from comments


def _words(texts: Iterable[str]) -> Iterable[str]:
    """The first words, as many as may be kept. A text ends no phrase: what stands in two of them is found as one."""
    left = _MOST
    for each in texts:
        for word in _phrase(each[:_MOST]):
            left -= len(word) + 1
            if left < 0:
                return
            yield word


def _phrase(spelled: str) -> Sequence[str]:
    plain = unicodedata.normalize("NFKD", spelled.casefold())
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def _fts5(phrase: Sequence[str]) -> str:
    """https://www.sqlite.org/fts5.html#fts5_phrases"""
    return f'"{" ".join(phrase)}" *'


def _tsquery(phrase: Sequence[str]) -> str:
    """https://www.postgresql.org/docs/current/datatype-textsearch.html#DATATYPE-TSQUERY"""
    return "(" + " <-> ".join(f"'{word}'" for word in phrase) + ":*)"


def _row(workspace: str, number: int) -> int:
    """The place of a task in SQLite's table, which has no index on columns: 62 bits that are its own."""
    return int.from_bytes(hashlib.sha256(f"{workspace}\x00{number}".encode()).digest()[:8]) >> 2
