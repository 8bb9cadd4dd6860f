"""How answers leave: inert and in coloured tables for a person's terminal, bare and exact for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ai_crm.cards.inert import clean


def show(text: str, *, error: bool = False) -> None:
    """Writes lines; a stranger's words among them cannot steer the terminal."""
    click.echo(clean(text), err=error)


def show_json(data: bytes) -> None:
    """Writes data as it is, byte for byte, but for a terminal, which must not be steered by what is in it."""
    if sys.stdout.isatty():
        show(data.decode())
    else:
        click.echo(data)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes rows of equal length under their headers."""
    if not sys.stdout.isatty():
        _show_columns(rows)
        return
    from rich.console import Console  # noqa: PLC0415 - a pipe does not need it
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    Console().print(table)


def _show_columns(rows: Sequence[Sequence[str]]) -> None:
    """Without headers and frames, so that `grep` and `cut` see nothing but the rows."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
