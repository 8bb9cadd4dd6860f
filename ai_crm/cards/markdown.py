"""What GitHub gets: the card as Markdown for a comment or a job summary, every word of it inert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from ai_crm.cards.elements import (
    Action,
    Card,
    Container,
    Element,
    Execute,
    FactSet,
    Image,
    OpenUrl,
    Paragraph,
    RichTextBlock,
    TextBlock,
    TextRun,
    ToggleVisibility,
)
from ai_crm.cards.inert import address, gfm

_Summaries = Mapping[str, str]


def render(card: Card) -> str:
    """Blocks with blank lines between them. Facts are a table, what is folded is a `<details>`, buttons are links;
    buttons that lead nowhere but to a bot are left out, because nobody on GitHub can press them.
    """
    summaries = _summaries(card.actions)
    blocks = (*(_block(element, summaries) for element in card.body), _links(card.actions))
    return "\n\n".join(block for block in blocks if block)


def folded(summary: str, inside: str) -> str:
    """A part that opens on a click. `inside` is Markdown, `summary` a text."""
    return f"<details><summary>{summary.translate(_HTML)}</summary>\n\n{inside}\n\n</details>" if inside else ""


_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _summaries(actions: tuple[Action, ...]) -> _Summaries:
    """What the button that unfolds a container says, by the container's id."""
    toggles = [action for action in actions if isinstance(action, ToggleVisibility)]
    return {target: toggle.title for toggle in toggles for target in toggle.target_elements}


def _block(element: Element, summaries: _Summaries) -> str:
    if not isinstance(element, Container):
        return _paragraph(element)
    if element.is_visible:
        return "\n\n".join(_paragraph(item) for item in element.items)
    return folded(summaries.get(element.id, "More"), "\n".join(line for item in element.items for line in _lines(item)))


def _paragraph(paragraph: Paragraph) -> str:
    match paragraph:
        case TextBlock():
            return _run(paragraph)
        case RichTextBlock():
            return "".join(_run(run) for run in paragraph.inlines).strip()
        case FactSet():
            return _table(paragraph)
        case Image():
            return gfm(paragraph.alt_text)  # the words: whoever reads a comment loads nothing from elsewhere
        case _:
            assert_never(paragraph)


def _run(run: TextRun | TextBlock) -> str:
    # The blanks stay outside: `** word**` is not bold.
    words = gfm(run.text)
    before, after = (" " if blank else "" for blank in (run.text[:1].isspace(), run.text[-1:].isspace()))
    if not words:
        return before
    return f"{before}**{words}**{after}" if run.weight == "bolder" else f"{before}{words}{after}"


def _table(facts: FactSet) -> str:
    if not facts.facts:
        return ""
    titles = " | ".join(gfm(fact.title) for fact in facts.facts)
    values = " | ".join(gfm(fact.value) for fact in facts.facts)
    return f"| {titles} |\n|{' --- |' * len(facts.facts)}\n| {values} |"


def _lines(paragraph: Paragraph) -> Iterator[str]:
    """The items of a list: facts side by side need a width that a folded part does not have."""
    if isinstance(paragraph, FactSet):
        yield from (f"- **{gfm(fact.title)}** {gfm(fact.value)}" for fact in paragraph.facts)
    else:
        yield f"- {_paragraph(paragraph)}"


def _links(actions: tuple[Action, ...]) -> str:
    return " · ".join(link for action in actions if (link := _link(action)))


def _link(action: Action) -> str:
    match action:
        case OpenUrl():
            url = address(action.url).replace("&", "&amp;")
            return f"[{gfm(action.title)}]({url})" if url else ""
        case Execute() | ToggleVisibility():
            return ""
        case _:
            assert_never(action)
