"""What is in a PNG, read by the format's own description and with no code of ours."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from msgspec import Struct

Color = tuple[int, int, int]


class Seen(Struct, frozen=True):
    width: int
    height: int
    pixels: tuple[tuple[Color, ...], ...]

    def run(self, row: int, color: Color) -> int:
        """How many pixels of a row have this color."""
        return self.pixels[row].count(color)


def look(png: bytes) -> Seen:
    """Asserts that the file is whole: signature, order and checksums of its parts, and a stream that ends where it should."""
    parts = list(_parts(png))
    assert [kind for kind, _ in parts] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", parts[0][1])
    assert (depth, kind, rest) == (4, 3, [0, 0, 0])
    palette = parts[1][1]
    colors = [struct.unpack("BBB", palette[at : at + 3]) for at in range(0, len(palette), 3)]
    stream = zlib.decompressobj()
    data = stream.decompress(parts[2][1])
    assert stream.eof
    assert not stream.unused_data
    length = 1 + (width + 1) // 2
    assert len(data) == length * height
    rows = [data[at : at + length] for at in range(0, len(data), length)]
    assert {row[0] for row in rows} == {0}
    return Seen(width, height, tuple(tuple(colors[each] for each in _halves(row[1:], width)) for row in rows))


def _parts(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        part = png[at + 4 : at + 8 + length]
        assert png[at + 8 + length : at + 12 + length] == struct.pack(">I", zlib.crc32(part))
        yield part[:4], part[4:]
        at += 12 + length


def _halves(row: bytes, width: int) -> list[int]:
    return [half for byte in row for half in (byte >> 4, byte & 15)][:width]
