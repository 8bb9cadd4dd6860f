"""Which agent a task goes to, and why: the rule's word, else its hint, else what the analysis found in the text."""

from __future__ import annotations

from ai_crm.model.analysis import AgentMatch, Analysis
from ai_crm.model.task import AgentChoice, RuleId
from ai_crm.rules.rule import Policy


def choose_agent(
    rule: RuleId, *, agent: str, hint: str, auto_assign: bool, analysis: Analysis | None
) -> AgentChoice | None:
    """The choice; None when the rule names nobody and nothing in the text speaks for anyone.

    What a rule calls `agent` is assigned. A hint and the analysis only recommend, unless `auto_assign` says otherwise.
    """
    if agent:
        return _choice(agent, analysis, assigned=True, because=f'rule "{rule}" gives it to this agent')
    if hint:
        return _choice(hint, analysis, assigned=auto_assign, because=f'rule "{rule}" suggests this agent')
    best = analysis.recommended if analysis else None
    if best is None:
        return None
    return _choice(best.name, analysis, assigned=auto_assign, because=_evidence(best))


def logins_behind(agent: str, policy: Policy) -> tuple[str, ...]:
    """Whom a platform can assign or ask when it is this agent's turn; teams are written `org/team`."""
    people = next((known.people for known in policy.agents if known.name == agent), ())
    return tuple(contact.github for contact in people if contact.github)


def nobody_behind(agent: str) -> str:
    """Why an agent's turn moves nobody, and what to write to change that."""
    return (
        f"nobody with a GitHub login is behind the agent {agent}: "
        f"add `- name: {agent}` with `people: [a-login]` under `agents:`"
    )


def _choice(name: str, analysis: Analysis | None, *, assigned: bool, because: str) -> AgentChoice:
    ranked = analysis.agents if analysis else ()
    return AgentChoice(
        name=name,
        assigned=assigned,
        because=because,
        runner_up=next((match.name for match in ranked if match.name != name), ""),
        confidence=next((match.confidence for match in ranked if match.name == name), None),
    )


def _evidence(match: AgentMatch) -> str:
    seen = ", ".join(f'"{evidence.seen}" in the {evidence.where}' for evidence in match.evidence[:3])
    return f"the analysis found {seen}" if seen else "the analysis recommends this agent"
