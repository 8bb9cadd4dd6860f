"""What holds for an event in the hub: the project's own rules, and those that the hub's operators made for all. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from ai_crm.errors import Problem, RulesInvalid
from ai_crm.model.agent import Agent
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import RuleId
from ai_crm.rules.rule import CardSettings, Policy, Rule

# Before the names of the hub's rules, so that a project's file can neither replace nor imitate one.
PREFIX = "hub/"


def no_rules(agents: tuple[Agent, ...]) -> Policy:
    """A policy without rules: tasks that exist still follow their items."""
    return Policy(enabled=True, rules=(), agents=agents, people=(), teams=(), card=CardSettings(), fingerprint="")


def merged(own: Policy | None, shared: tuple[Policy, ...], agents: tuple[Agent, ...]) -> Policy:
    """The policy of a project. With its own file alone it is exactly that file's.

    A project that switches automation off in its file switches off its own rules, not the hub's. People, teams and the
    card are the project's where it has a file; where it names nothing that was learned, the hub's rules may. `agents` is the catalogue. Raises RulesInvalid for a project's rule that
    takes one of the hub's names.
    """
    _check_names(own)
    active = tuple(policy for policy in shared if policy.enabled)
    if not active:
        return own or no_rules(agents)
    parts = (*((own,) if own and own.enabled else ()), *active)
    return Policy(
        enabled=True,
        rules=(
            *(own.rules if own and own.enabled else ()),
            *(_shared(rule) for policy in active for rule in policy.rules),
        ),
        agents=_by_name(tuple(agent for part in parts for agent in part.agents)),
        people=tuple(dict.fromkeys(person for part in parts for person in part.people)),
        teams=tuple(dict.fromkeys(team for part in parts for team in part.teams)),
        card=parts[0].card,
        fingerprint=_fingerprint(parts),
        statuses=_names(tuple(each for part in parts for each in part.statuses)),
        warnings=tuple(warning for part in parts for warning in part.warnings),
        learned=next((part.learned for part in parts if part.learned), ""),
    )


def _check_names(own: Policy | None) -> None:
    what, hint = f'names that begin with "{PREFIX}" belong to the hub\'s own rules', "choose another name"
    taken = tuple(rule.at for rule in own.rules if rule.id.startswith(PREFIX)) if own else ()
    if taken:
        raise RulesInvalid(tuple(Problem("the project's rules file", at.line, at.column, what, hint) for at in taken))


def _shared(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, id=RuleId(PREFIX + rule.id))


def _by_name(agents: tuple[Agent, ...]) -> tuple[Agent, ...]:
    """The first of each name wins: a project knows its own people best."""
    found: dict[str, Agent] = {}
    for agent in agents:
        found.setdefault(agent.name, agent)
    return tuple(found.values())


def _names(statuses: tuple[StatusName, ...]) -> tuple[StatusName, ...]:
    """The first of each name wins here, too."""
    found: dict[str, StatusName] = {}
    for status in statuses:
        found.setdefault(status.name, status)
    return tuple(found.values())


def _fingerprint(parts: tuple[Policy, ...]) -> str:
    if len(parts) == 1:
        return parts[0].fingerprint
    return hashlib.sha256("\n".join(part.fingerprint for part in parts).encode()).hexdigest()
