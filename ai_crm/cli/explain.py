"""`ai-crm explain`: what the rules would make of a recorded event, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import msgspec

from ai_crm.analysis import offline_analyst, taught_analyst
from ai_crm.cli.files import find_rules, read_file, read_rules
from ai_crm.cli.screen import show, show_json
from ai_crm.config.policy import load_policy
from ai_crm.errors import EventUnknown, PayloadInvalid
from ai_crm.flow.decide import decide
from ai_crm.flow.describe import describe
from ai_crm.flow.event_file import event_file_delivery
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.model.trigger import TRIGGERS, find_trigger
from ai_crm.ports import Analyst
from ai_crm.rules import explain as explanation
from ai_crm.rules.rule import Defaults
from ai_crm.rules.source import did_you_mean
from ai_crm.wiring import decoder, why_ignored

_LEARNED = "a learned analysis"


@click.command()
@click.option(
    "--event", "event_file", required=True, help="The event's JSON, as a webhook or GITHUB_EVENT_PATH has it."
)
@click.option("--name", required=True, help="The event's name, such as issues (GITHUB_EVENT_NAME).")
@click.option("--rules", "rules_file", help="The rules file; without it, the one of this repository.")
@click.option("--learned", metavar="FILE", help="What the analysis learned; without it, the file that the rules name.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(event_file: str, name: str, rules_file: str | None, learned: str | None, form: str) -> None:
    """Show what the rules make of an event, and why.

    Every condition of every rule with what it wanted and what it saw, the nearest miss first, and every change that
    would be made. As JSON it is the decision that schemas/decision.schema.json describes, the same as the Action's output.
    """
    rules = rules_file or find_rules()
    policy = load_policy(read_rules(rules), rules, Defaults())
    events = _events(name, read_file(event_file, "an event file"))
    analyst, now = _analyst(learned, policy.learned), datetime.now(UTC)
    decisions = tuple(decide(event, event.item, (), policy, analyst, now) for event in events)
    if not events:
        show(_silence(name), error=True)
    if form == "json":
        show_json(msgspec.json.encode(decisions[0] if len(decisions) == 1 else decisions))
    else:
        show("\n\n".join(map(_text, decisions)))


def _analyst(given: str | None, named: str) -> Analyst:
    """With what was learned, if the caller or the rules name it. The rules' file may be missing here, and that is said."""
    if given:
        return taught_analyst(read_file(given, _LEARNED), given)
    if not named:
        return offline_analyst()
    try:
        return taught_analyst(read_file(named, _LEARNED), named)
    except PayloadInvalid as error:
        show(f"The analysis goes without what was learned: {error}", error=True)
        return offline_analyst()


def _silence(name: str) -> str:
    """Why no rule is asked about an event."""
    reason = why_ignored(PlatformName.GITHUB, name)
    return f"No rule is asked about {name}" + (f": {reason}" if reason else "")


def _text(decision: Decision) -> str:
    changes = (f"{describe(change).planned()}\n" for change in decision.changes)
    return "\n".join(filter(None, (explanation.explain(decision), "".join(changes)))).rstrip("\n")


def _events(name: str, body: bytes) -> tuple[Event, ...]:
    try:
        return decoder(PlatformName.GITHUB)(event_file_delivery(name, body))
    except EventUnknown as error:
        if name in _known_events():
            what = f'the file does not hold a "{name}" event, or one of a kind that is newer than this program'
            raise EventUnknown(what, where="--event", hint="Name the event that the file is of") from error
        raise EventUnknown(f'there is no event called "{name}"', where="--name", hint=_meant(name)) from error


def _known_events() -> tuple[str, ...]:
    told = (trigger.name for trigger in TRIGGERS if trigger.platform is PlatformName.GITHUB)
    return tuple(dict.fromkeys(name.partition(".")[0] for name in told))


def _meant(name: str) -> str:
    """The webhook's name for what a person took from a rules file, or the nearest one to a typing error."""
    trigger = find_trigger(name)
    if trigger is not None:
        return f"Name the event without its action: --name {trigger.name.partition('.')[0]}"
    known = _known_events()
    near = did_you_mean(name, known)
    return near[:1].upper() + near[1:] or f"Known are {', '.join(known)}"
