"""What a browser may do with a page of ours: nearly nothing but show it, and never inside somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Framing(Struct, frozen=True, kw_only=True):
    """Whose windows may show our pages to somebody whom they let in, and the page where that happens."""

    hosts: tuple[str, ...]
    entry: str


def page_headers(frame_ancestors: tuple[str, ...] = ()) -> Mapping[str, str]:
    """The headers of a page. `frame_ancestors` are the origins that may show it in a frame, as in `https://*.example.com`.

    The referrer stays among our own pages. Without one there a browser would send no origin with a form either (Fetch,
    "append a request `Origin` header", read 2026-11), and a form without one is refused.
    """
    directives = (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        f"frame-ancestors {' '.join(frame_ancestors) or _NOBODY}",
        "require-trusted-types-for 'script'",
    )
    return MappingProxyType({"Content-Security-Policy": "; ".join(directives), "Referrer-Policy": "same-origin"})


_NOBODY = "'none'"
