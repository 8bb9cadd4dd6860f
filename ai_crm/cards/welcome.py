"""What a bot says when somebody has just installed it: who it is, and what to try first."""

from __future__ import annotations

from ai_crm.cards.answers import Button, Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.presses import Press, Verb

_FIRST = ("task create", "task list", "pm analyze", "help")


def welcome_card(name: str) -> Card:
    """`name` is how the bot is called in front of a command where others talk, too; empty where nobody else does."""
    said = "I keep your team's tasks. Tell me what to do in words, or press the buttons on my cards."
    tried = tuple(
        Fact(f"{name} {each.example}".strip(), each.summary.replace("`", ""))
        for each in COMMANDS
        if each.words in _FIRST
    )
    foot = "Say which login on GitHub is yours: link LOGIN. Then @me means you, and you are told what concerns you."
    return answer_card(
        "Hello, I am AI-CRM",
        said,
        (Section("Try", tried),),
        foot,
        (Button("Everything I can do", Press(Verb.HELP, {})),),
    )
