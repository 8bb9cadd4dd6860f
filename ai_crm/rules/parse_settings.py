"""How the parts of a rules file are read that are no rules: agents, people, teams, statuses, the card, the analysis."""

from __future__ import annotations

from collections.abc import Mapping as Table

from msgspec import Struct

from ai_crm.model.agent import Agent, Contact
from ai_crm.model.status_name import StatusName, in_one_spelling
from ai_crm.model.task import TaskStatus
from ai_crm.rules.rule import CardSettings, Team
from ai_crm.rules.shapes import (
    FLAG,
    LOGIN,
    LOGINS,
    NAME,
    SOMEONE,
    TEAM,
    Schema,
    Text,
    Texts,
    as_text,
    described,
    given,
    items,
    kind_of,
    object_of,
)
from ai_crm.rules.source import Entry, Mapping, Node, Problems, Scalar, Sequence

_MOST_AGENTS = 200
_MOST_PEOPLE = 1_000
_MOST_BEHIND = 50
_MOST_STATUSES = 50
_OWN_CATEGORY = "own"

_CHAT_ID = Text(says="an id", most=200)
_ROLE = Text(most=500)
_SKILLS = Texts(each=Text(says="a word", most=50))

CONTACT = object_of(
    {
        "github": described(SOMEONE, "Login on GitHub, or a team as org/team.", "octocat"),
        "slack": described(_CHAT_ID, "Member id in Slack.", "U012AB3CD"),
        "teams": described(
            _CHAT_ID, "User id in Microsoft Teams (Entra object id).", "00000000-0000-0000-0000-000000000000"
        ),
    },
    one_of=("github", "slack", "teams"),
)
PERSON = object_of(
    {**CONTACT["properties"], "github": described(LOGIN, "Login on GitHub.", "octocat")},
    required=("github",),
)


class _Behind(Struct, frozen=True):
    """The people behind an agent: a login or team, a mapping of ids, or a list of both."""

    @property
    def schema(self) -> Schema:
        one = {"anyOf": [SOMEONE.schema, {"$ref": "#/$defs/contact"}]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "minItems": 1, "maxItems": _MOST_BEHIND, "items": one}]}

    def read(self, node: Node, name: str, problems: Problems) -> tuple[Contact, ...]:
        each = items(node, name, _MOST_BEHIND, problems) if isinstance(node, Sequence) else (node,)
        return tuple(_someone(one, problems) for one in each)


_BEHIND = _Behind()

AGENT = object_of(
    {
        "name": described(NAME, "A name of the catalogue, or one of your own.", "security-auditor"),
        "category": described(NAME, f"The catalogue's category when left out, or `{_OWN_CATEGORY}`."),
        "role": described(_ROLE, "What the agent is for, in one sentence."),
        "skills": described(_SKILLS, "Words in a text that speak for this agent. The catalogue's when left out."),
        "people": {**_BEHIND.schema, "description": "Whom to assign or ask when it is this agent's turn."},
    },
    required=("name",),
)
AGENTS: Schema = {"type": "array", "minItems": 1, "maxItems": _MOST_AGENTS, "items": {"$ref": "#/$defs/agent"}}
PEOPLE: Schema = {"type": "array", "minItems": 1, "maxItems": _MOST_PEOPLE, "items": {"$ref": "#/$defs/person"}}
TEAMS: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": _MOST_AGENTS,
    "propertyNames": TEAM.schema,
    "additionalProperties": LOGINS.schema,
}

# What a search or a command would take apart, or take away at the ends, is no part of a name.
_MARKS = r"""\x00-\x1f\x7f,<>\\"'\u2018\u2019\u201c\u201d\u201e\xab\xbb"""
_STATUS_NAME = Text(
    says="a name on one line, without commas, angle brackets, backslashes, quotation marks, and - or _ at its ends",
    most=50,
    pattern=rf"[^{_MARKS}\s_\-]([^{_MARKS}]*[^{_MARKS}\s_\-])?",
)
_STATUS = Text(says="a status", words=tuple(TaskStatus))
STATUSES: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": _MOST_STATUSES,
    "propertyNames": _STATUS_NAME.schema,
    "additionalProperties": _STATUS.schema,
}

_CARD_WORDS = Texts(each=Text(says="a word", words=("priority", "agent")))
_PREFIX = Text(says="the start of a label", most=30)
CARD = object_of(
    {
        "comment": described(FLAG, "Whether tasks show as one comment that is updated in place. True when left out."),
        "labels": {
            "anyOf": [*_CARD_WORDS.schema["anyOf"], {"const": False}],
            "description": "What shows as labels too: priority, agent, or false for nothing. Both when left out.",
        },
        "label_prefix": described(_PREFIX, "What these labels start with.", "ai-crm/"),
    }
)

# A path that a repository can have, and none that leads out of it or hides something.
_PATH = Text(
    says="the path of a file in this repository, such as .github/ai-crm-analysis.json",
    pattern=r"(?!/)(?!(?:[\s\S]*/)?\.\.?(?:/|(?![\s\S])))[^\x00-\x1f\x7f\\]*[^\x00-\x20\x7f\\/]",
)
ANALYSIS = object_of(
    {
        "learned": described(
            _PATH,
            "The file that `ai-crm analysis learn` wrote, read from the default branch.",
            ".github/ai-crm-analysis.json",
        )
    }
)


def read_agents(node: Node, catalogue: tuple[Agent, ...], problems: Problems) -> tuple[Agent, ...]:
    """The catalogue with the file's own agents in it. One of the same name keeps what the file does not say."""
    agents = {agent.name: agent for agent in catalogue}
    own = _Once("the agent", problems)
    for item in items(node, "agents", _MOST_AGENTS, problems):
        agent = _agent(item, agents, problems)
        own.add(agent.name, item)
        agents[agent.name] = agent
    return tuple(agents.values())


def read_people(node: Node, problems: Problems) -> tuple[Contact, ...]:
    """Who is who: one entry for each login on GitHub."""
    logins = _Once("the person", problems)
    people = []
    for item in items(node, "people", _MOST_PEOPLE, problems):
        person = _contact(item, "a person", PERSON, problems)
        logins.add(person.github.casefold(), item)
        people.append(person)
    return tuple(people)


def read_teams(node: Node, problems: Problems) -> tuple[Team, ...]:
    """Teams by name, with the logins of those who are in them."""
    if not isinstance(node, Mapping):
        problems.add(node.at, f"teams must be a mapping from names to logins, not {kind_of(node)}")
        return ()
    if not 1 <= len(node.entries) <= _MOST_AGENTS:
        problems.add(node.at, f"teams has {len(node.entries)} entries; 1 to {_MOST_AGENTS} are allowed")
    return tuple(
        Team(
            TEAM.read(as_text(entry.key), "a team's name", problems),
            LOGINS.read(entry.value, f"the team {entry.key.text}", problems),
        )
        for entry in node.entries
    )


def read_statuses(node: Node, problems: Problems) -> tuple[StatusName, ...]:
    """The file's own names of statuses, each once however it is spelled."""
    if not isinstance(node, Mapping):
        what = f"statuses must be a mapping from names of your own to ours, not {kind_of(node)}"
        problems.add(node.at, what, "such as `doing: in-progress`")
        return ()
    if not 1 <= len(node.entries) <= _MOST_STATUSES:
        problems.add(node.at, f"statuses has {len(node.entries)} entries; 1 to {_MOST_STATUSES} are allowed")
    once = _Once("the status", problems)
    return tuple(_status_name(entry, once, problems) for entry in node.entries)


def read_card(node: Node, problems: Problems) -> CardSettings:
    card = given(node, CARD, "card", problems)
    usual = CardSettings()
    return CardSettings(
        comment=card.read(FLAG, "comment", absent=usual.comment),
        labels=card.read(_CardLabels(), "labels", absent=usual.labels),
        label_prefix=card.read(_PREFIX, "label_prefix", absent=usual.label_prefix),
    )


def read_analysis(node: Node, problems: Problems) -> str:
    """The path of what was learned; empty for none."""
    return given(node, ANALYSIS, "analysis", problems).read(_PATH, "learned", absent="")


class _CardLabels(Struct, frozen=True):
    def read(self, node: Node, name: str, problems: Problems) -> tuple[str, ...]:
        return () if isinstance(node, Scalar) and node.value is False else _CARD_WORDS.read(node, name, problems)


class _Once:
    """Tells about every name that comes twice."""

    def __init__(self, what: str, problems: Problems) -> None:
        self._what = what
        self._problems = problems
        self._lines: dict[str, int] = {}

    def add(self, name: str, node: Node) -> None:
        if name and name in self._lines:
            what = f'{self._what} "{name}" is here twice, first in line {self._lines[name]}'
            self._problems.add(node.at, what, "put what they say together")
        self._lines.setdefault(name, node.at.line)


def _status_name(entry: Entry, once: _Once, problems: Problems) -> StatusName:
    name = in_one_spelling(_STATUS_NAME.read(as_text(entry.key), "a status's name", problems))
    once.add(name, entry.key)
    if name in set(TaskStatus):
        problems.add(entry.key.at, f'"{name}" is one of our own statuses', "choose another name for what it stands for")
    status = _STATUS.read(entry.value, f"the status {entry.key.text}", problems)
    # A name stays known when what it stands for is wrong: then a rule that uses it is not wrong as well.
    return StatusName(name, TaskStatus(status) if status else TaskStatus.TODO)


def _agent(node: Node, known: Table[str, Agent], problems: Problems) -> Agent:
    entry = given(node, AGENT, "an agent", problems)
    name = entry.read(NAME, "name", absent="")
    before = known.get(name, Agent(name=name, category=_OWN_CATEGORY, role="", skills=()))
    return Agent(
        name=name,
        category=entry.read(NAME, "category", absent=before.category),
        role=entry.read(_ROLE, "role", absent=before.role),
        skills=entry.read(_SKILLS, "skills", absent=before.skills),
        people=entry.read(_BEHIND, "people", absent=before.people),
    )


def _someone(node: Node, problems: Problems) -> Contact:
    if isinstance(node, Mapping):
        return _contact(node, "somebody behind an agent", CONTACT, problems)
    return Contact(github=SOMEONE.read(node, "somebody behind an agent", problems))


def _contact(node: Node, name: str, schema: Schema, problems: Problems) -> Contact:
    entry = given(node, schema, name, problems)
    return Contact(
        github=entry.read(SOMEONE if schema is CONTACT else LOGIN, "github", absent=""),
        slack=entry.read(_CHAT_ID, "slack", absent=""),
        teams=entry.read(_CHAT_ID, "teams", absent=""),
    )
