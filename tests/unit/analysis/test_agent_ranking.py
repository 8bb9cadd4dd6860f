"""Whom a text speaks for, with the catalogue's agents and a team's own."""

from __future__ import annotations

import pytest
from msgspec import structs

from ai_crm.model.agent import Agent
from ai_crm.model.analysis import AgentMatch
from ai_crm.ports import Analyst

_TEAM = Agent(name="fax-team", category="ours", role="Keeps the fax alive.", skills=("fax", "dial-tone", "T.38"))


def _ranked(
    analyst: Analyst, agents: tuple[Agent, ...], title: str, body: str = "", labels: tuple[str, ...] = ()
) -> tuple[AgentMatch, ...]:
    return analyst.analyse(title, body, labels, agents).agents


@pytest.mark.parametrize("title", ["Fax is garbled", "No dial tone", "Dial-tones differ", "t.38 fails", "for fax-team"])
def test_a_teams_own_agent_is_found_by_its_skills_and_name(
    title: str, analyst: Analyst, catalogue: tuple[Agent, ...]
) -> None:
    best = _ranked(analyst, (*catalogue, _TEAM), title)[0]
    assert best.name == "fax-team"
    assert best.evidence[0].where == "title"


def test_a_teams_own_agent_alone_is_enough(analyst: Analyst) -> None:
    assert [match.name for match in _ranked(analyst, (_TEAM,), "React fax")] == ["fax-team"]


def test_an_agent_that_is_not_asked_about_is_never_recommended(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    others = tuple(agent for agent in catalogue if agent.name != "security-auditor")
    assert "security-auditor" not in {match.name for match in _ranked(analyst, others, "Fix XSS in login")}


def test_without_agents_nobody_is_recommended(analyst: Analyst) -> None:
    assert _ranked(analyst, (), "Fix XSS in login") == ()


def test_nothing_said_recommends_nobody(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    analysis = analyst.analyse("Lorem ipsum", "dolor sit amet", (), catalogue)
    assert (analysis.recommended, analysis.runner_up) == (None, None)


def test_equals_stand_in_the_order_they_were_given(analyst: Analyst) -> None:
    twin = structs.replace(_TEAM, name="second-team")
    assert [match.name for match in _ranked(analyst, (twin, _TEAM), "fax")] == ["second-team", "fax-team"]
    assert [match.name for match in _ranked(analyst, (_TEAM, twin), "fax")] == ["fax-team", "second-team"]


def test_two_equals_are_less_sure_than_one(analyst: Analyst) -> None:
    twin = structs.replace(_TEAM, name="second-team")
    assert _ranked(analyst, (_TEAM, twin), "fax")[0].confidence < _ranked(analyst, (_TEAM,), "fax")[0].confidence


def test_more_evidence_is_more_sure(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    little = _ranked(analyst, catalogue, "Terraform")[0]
    much = _ranked(analyst, catalogue, "Terraform", "tfstate drift", ("terraform",))[0]
    assert little.name == much.name == "terraform-specialist"
    assert little.confidence < much.confidence


def test_a_label_weighs_more_than_a_title_and_a_title_more_than_a_body(
    analyst: Analyst, catalogue: tuple[Agent, ...]
) -> None:
    weights = [
        _ranked(analyst, catalogue, title, body, labels)[0].evidence[0].weight
        for title, body, labels in (("", "", ("terraform",)), ("terraform", "", ()), ("", "terraform", ()))
    ]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3


@pytest.mark.parametrize(
    ("body", "agent"),
    [
        ("see `src/pool.go`", "golang-pro"),
        ("the file is Controllers/HomeController.cs", "csharp-pro"),
        ("```rust\nfn main() {}\n```", "rust-pro"),
        ("Traceback (most recent call last):", "python-pro"),
        ("touch main.tf only", "terraform-specialist"),
        ("in docker-compose.yml", "deployment-engineer"),
    ],
)
def test_files_code_blocks_and_traces_name_a_language(
    body: str, agent: str, analyst: Analyst, catalogue: tuple[Agent, ...]
) -> None:
    best = _ranked(analyst, catalogue, "It stops", body)[0]
    assert best.name == agent
    assert "structure" in {evidence.where for evidence in best.evidence}


def test_react_native_is_mobile_and_not_the_browser(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    names = [match.name for match in _ranked(analyst, catalogue, "React Native upgrade")]
    assert names[0] == "mobile-developer"
    assert "frontend-developer" not in names
