"""What the hub's own pages get: the card as HTML that needs no script, every word of it text and every address one of ours.

Buttons are forms: pressing one posts its verb and data to `PRESS`, as a chat would send them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from types import MappingProxyType
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
from ai_crm.cards.inert import address, clean
from ai_crm.commands.presses import Verb

PRESS = "/press"
DATA = "data."  # what a field of a button's data begins with in its form

_Summaries = Mapping[str, str]
_NOTHING: Mapping[str, str] = MappingProxyType({})


def render(card: Card, hidden: Mapping[str, str] = _NOTHING) -> str:
    """One `<article>`. What is folded is a `<details>`; `hidden` are fields that every form carries beside its own.

    What only looks at a task is a link to its page.
    """
    summaries = _summaries(card.actions)
    blocks = "\n".join(block for element in card.body for block in _block(element, summaries))
    buttons = "\n".join(_buttons(card.actions, hidden))
    return "\n".join(
        part
        for part in (
            '<article class="card">',
            blocks,
            f'<div class="actions">\n{buttons}\n</div>' if buttons else "",
            "</article>",
        )
        if part
    )


def text(raw: str) -> str:
    """A stranger's words between tags or inside of a quoted attribute; line breaks stay."""
    return escape(clean(raw))


def _summaries(actions: tuple[Action, ...]) -> _Summaries:
    """What the button that unfolds a container says, by the container's id."""
    toggles = [action for action in actions if isinstance(action, ToggleVisibility)]
    return {target: toggle.title for toggle in toggles for target in toggle.target_elements}


def _block(element: Element, summaries: _Summaries) -> Iterator[str]:
    if not isinstance(element, Container):
        yield from _paragraph(element, "h2")
        return
    inside = "\n".join(block for item in element.items for block in _paragraph(item, "h3"))
    if not inside:
        return
    if element.is_visible:
        yield f"<section>\n{inside}\n</section>"
    else:
        yield f"<details>\n<summary>{text(summaries.get(element.id, 'More'))}</summary>\n{inside}\n</details>"


def _paragraph(paragraph: Paragraph, heading: str) -> Iterator[str]:
    match paragraph:
        case TextBlock():
            yield _runs((paragraph,), heading)
        case RichTextBlock():
            yield _runs(paragraph.inlines, heading)
        case FactSet(facts=()):
            pass
        case FactSet():
            rows = "\n".join(
                f"<div><dt>{text(fact.title)}</dt><dd>{text(fact.value)}</dd></div>" for fact in paragraph.facts
            )
            yield f"<dl>\n{rows}\n</dl>"
        case Image():
            yield _picture(paragraph)
        case _:
            assert_never(paragraph)


def _runs(runs: tuple[TextRun, ...] | tuple[TextBlock], heading: str) -> str:
    """A heading is what stands out as a whole: by its size, or as a text block of its own."""
    bold = all(run.weight == "bolder" for run in runs)
    stands_out = all(run.size in ("medium", "large") or isinstance(run, TextBlock) for run in runs)
    if bold and stands_out:
        return f"<{heading}>{''.join(text(run.text) for run in runs)}</{heading}>"
    return f"<p>{''.join(map(_run, runs))}</p>"


def _run(run: TextRun | TextBlock) -> str:
    """Our own number of a task leads to it; only our templates write in this colour."""
    if run.color == "accent" and re.fullmatch(_TASK, run.text):
        return f'<a href="/tasks/{run.text}"><strong>{run.text}</strong></a>'
    marks = " ".join((*((run.color,) if run.color != "default" else ()), *(("subtle",) if run.is_subtle else ())))
    tag = "strong" if run.weight == "bolder" else "span"
    if tag == "span" and not marks:
        return text(run.text)
    return f'<{tag} class="{marks}">{text(run.text)}</{tag}>' if marks else f"<{tag}>{text(run.text)}</{tag}>"


_TASK = r"AICRM-[1-9][0-9]{0,17}"

# Where the hub's own door for pictures is, at whatever address the hub is reached: see store/pictures.py.
_PICTURE = r"https?://[^/?#]+(/pictures/[A-Za-z0-9._~-]+\.png)"


def _picture(image: Image) -> str:
    """Nothing is loaded from elsewhere: any other picture stands there in words."""
    ours = re.fullmatch(_PICTURE, address(image.url))
    return f'<img src="{escape(ours[1])}" alt="{text(image.alt_text)}">' if ours else f"<p>{text(image.alt_text)}</p>"


def _buttons(actions: tuple[Action, ...], hidden: Mapping[str, str]) -> Iterator[str]:
    for action in actions:
        match action:
            case OpenUrl():
                if url := address(action.url):
                    yield f'<a class="button" href="{escape(url)}" rel="noreferrer" target="_blank">{text(action.title)}</a>'
            case Execute():
                yield _link(action) or _form(action, hidden)
            case ToggleVisibility():
                pass  # what it unfolds unfolds by itself
            case _:
                assert_never(action)


def _link(action: Execute) -> str:
    """Where a button only shows a task; nothing for any other."""
    task = action.data.get("task", "")
    if action.verb != Verb.SHOW_TASK or not re.fullmatch(_TASK, task):
        return ""
    return f'<a class="button" href="/tasks/{task}">{text(action.title)}</a>'


def _form(action: Execute, hidden: Mapping[str, str]) -> str:
    data = {f"{DATA}{name}": value for name, value in action.data.items()}
    fields = "".join(
        f'<input type="hidden" name="{text(name)}" value="{_exact(value)}">'
        for name, value in {**hidden, "verb": action.verb, **data}.items()
    )
    return f'<form method="post" action="{PRESS}">{fields}<button>{text(action.title)}</button></form>'


def _exact(value: str) -> str:
    """What comes back must be what was sent; only half of a surrogate pair cannot be sent at all."""
    return escape(value.encode(errors="replace").decode())
