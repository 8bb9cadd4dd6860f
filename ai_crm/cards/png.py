"""How pixels become a PNG, byte for byte the same on every machine."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

Color = tuple[int, int, int]
MOST_COLORS = 16


def rgba(width: int, height: int, pixels: bytes) -> bytes:
    """`pixels` has four bytes for each, row by row from the top: red, green, blue, opacity."""
    return _png(width, height, _rows(pixels, 4 * width), 8, 6)


def indexed(width: int, height: int, colors: tuple[Color, ...], pixels: bytes) -> bytes:
    """`pixels` has one byte for each, row by row from the top: which of at most MOST_COLORS colors it has."""
    palette = _chunk(b"PLTE", b"".join(map(bytes, colors)))
    return _png(width, height, map(_halved, _rows(pixels, width)), 4, 3, palette)


def _rows(pixels: bytes, length: int) -> Iterable[bytes]:
    return (pixels[at : at + length] for at in range(0, len(pixels), length))


def _halved(row: bytes) -> bytes:
    """Two pixels in each byte, the left one in its upper half."""
    left, right = row[0::2].translate(_UPPER), row[1::2]
    both = int.from_bytes(left, "big") | int.from_bytes(right.ljust(len(left), b"\0"), "big")
    return both.to_bytes(len(left), "big")


_UPPER = bytes(value << 4 & 0xFF for value in range(256))


def _png(width: int, height: int, rows: Iterable[bytes], depth: int, kind: int, palette: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    data = _chunk(b"IDAT", _stored(b"".join(b"\0" + row for row in rows)))
    return b"".join((b"\x89PNG\r\n\x1a\n", header, palette, data, _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950, 1951) without compression, whose result differs between libraries."""
    pieces = [data[at : at + _MOST_STORED] for at in range(0, len(data), _MOST_STORED)] or [b""]
    blocks = [struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF) + piece for piece in pieces]
    blocks[-1] = b"\1" + blocks[-1][1:]
    return b"".join((b"\x78\x01", *blocks, struct.pack(">I", zlib.adler32(data))))


_MOST_STORED = 0xFFFF
