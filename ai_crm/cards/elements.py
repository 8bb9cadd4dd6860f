"""Which Adaptive Card elements our cards are made of: the part of version 1.5 that all five faces can show.

Every text is text. Nothing in it is markup, whoever wrote it: what shall look different says so in the structure, and
each face makes the words inert for its own sink. A card that holds anything else does not get past `parse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

Size = Literal["small", "default", "medium", "large"]
Weight = Literal["default", "bolder"]
Color = Literal["default", "accent", "good", "warning", "attention"]
Spacing = Literal["none", "small", "default", "medium", "large"]


class _Shape(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag=True,
    tag_field="type",
):
    """How all of them look in JSON: camel case, the class's name as `type`, defaults left out, nothing unknown."""


class TextBlock(_Shape, frozen=True):
    text: str
    size: Size = "default"
    weight: Weight = "default"
    color: Color = "default"
    is_subtle: bool = False
    wrap: bool = False
    spacing: Spacing = "default"


class TextRun(_Shape, frozen=True):
    text: str
    size: Size = "default"
    weight: Weight = "default"
    color: Color = "default"
    is_subtle: bool = False


class RichTextBlock(_Shape, frozen=True):
    """One paragraph of runs; the runs bring their own blanks."""

    inlines: tuple[TextRun, ...]
    spacing: Spacing = "default"


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    value: str


class FactSet(_Shape, frozen=True):
    facts: tuple[Fact, ...]
    spacing: Spacing = "default"


class Image(_Shape, frozen=True):
    """A picture at an address that the vendor's servers can reach; `alt_text` says everything that it shows."""

    url: str
    alt_text: str
    size: Literal["auto", "stretch"] = "auto"
    spacing: Spacing = "default"


class Container(_Shape, frozen=True):
    """`is_visible=False` folds it up, where a face can fold; an Action.ToggleVisibility that names `id` unfolds it."""

    items: tuple[Paragraph, ...]
    id: str = ""
    is_visible: bool = True
    spacing: Spacing = "default"


class OpenUrl(_Shape, frozen=True, tag="Action.OpenUrl"):
    title: str
    url: str


class Submit(_Shape, frozen=True, tag="Action.Submit"):
    """What an older client sends in place of Execute."""

    title: str
    data: Mapping[str, str]


class Execute(_Shape, frozen=True, tag="Action.Execute"):
    """`data` names things by our own ids and words, never by a stranger's text."""

    title: str
    verb: str
    data: Mapping[str, str]
    fallback: Submit


class ToggleVisibility(_Shape, frozen=True, tag="Action.ToggleVisibility"):
    title: str
    target_elements: tuple[str, ...]


Paragraph = TextBlock | RichTextBlock | FactSet | Image
Element = Paragraph | Container
Action = OpenUrl | Execute | ToggleVisibility


class Card(_Shape, frozen=True, tag="AdaptiveCard"):
    """`fallback_text` is the card in one line: notifications, and clients that cannot show cards."""

    version: Literal["1.5"]
    fallback_text: str
    body: tuple[Element, ...]
    actions: tuple[Action, ...] = ()
    schema: str = msgspec.field(name="$schema", default="")


def parse(bound: Any) -> Card:
    """The card that a bound template describes. Raises msgspec.ValidationError: the template is wrong, or its data."""
    return msgspec.convert(bound, Card)


# What msgspec has to know of a type it works out at first use, and two threads that do so at once crash the process
# (2026-11, msgspec 0.22). An import happens once, whoever asks for it.
msgspec.json.Decoder(Card)
