"""Learning from a team's own closed work: what it changes, what it leaves alone, and what its file may not do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_crm.analysis import fingerprint_of, offline_analyst, shipped_lexicon
from ai_crm.analysis.history import Closed, read_history
from ai_crm.analysis.learned import Learned, decode, encode
from ai_crm.analysis.learning import learn
from ai_crm.analysis.table import Table
from ai_crm.config.agents import load_agents
from ai_crm.errors import PayloadInvalid
from ai_crm.model.analysis import RECOMMENDED_FROM, AgentMatch, Analysis, Priority, WorkType
from ai_crm.wiring.analysis import analyst_with

_LEXICON = shipped_lexicon()
_AGENTS = load_agents()
# A team with words of its own: nothing in them is in any word list.
_WORDS = {
    "bug": ("zorbulate", "frimble"),
    "task": ("quaddle", "vimmle"),
}


def _line(number: int, **more: Any) -> dict[str, Any]:
    kind = ("bug", "task")[number % 2]
    one, two = _WORDS[kind]
    title = f"{one} {('panel', 'gauge', 'lever')[number % 3]} number {number}"
    return {"title": title, "body": f"The {two} of the {one} again.", "labels": [{"name": kind}], **more}


def _history(lines: list[dict[str, Any]]) -> tuple[Closed, ...]:
    return read_history("\n".join(map(json.dumps, lines)).encode(), "history.jsonl", _LEXICON, _AGENTS)


def _taught(lines: list[dict[str, Any]]) -> Learned:
    return learn(_history(lines), _LEXICON, _AGENTS)


def _asked(learned: Learned | None, title: str, body: str = "", labels: tuple[str, ...] = ()) -> Analysis:
    return offline_analyst(learned).analyse(title, body, labels, _AGENTS)


@pytest.fixture(scope="module")
def team() -> Learned:
    """Sixty closed issues with everything a team can say about them."""
    agents = ("rust-pro", "legal-advisor")
    levels = ("HIGH", "LOW")
    lines = [_line(n, agent=agents[n % 2], hours=(16, 1)[n % 2] + n % 3, priority=levels[n % 2]) for n in range(60)]
    return _taught(lines)


def test_a_teams_own_words_decide_the_type_and_are_shown(team: Learned) -> None:
    before, after = _asked(None, "zorbulate panel"), _asked(team, "zorbulate panel")
    assert before.type.confidence < 40
    assert after.type.value is WorkType.BUG
    assert after.type.confidence >= 70
    assert "zorbulate" in [evidence.seen for evidence in after.type.evidence]
    assert _asked(team, "quaddle lever").type.value is WorkType.TASK


def test_a_teams_own_words_decide_agent_size_and_priority(team: Learned) -> None:
    one, other = _asked(team, "zorbulate gauge", "frimble"), _asked(team, "quaddle gauge", "vimmle")
    assert [each.recommended.name for each in (one, other) if each.recommended] == ["rust-pro", "legal-advisor"]
    assert one.effort.hours > 3 * other.effort.hours
    assert one.effort.low <= one.effort.hours <= one.effort.high
    assert (one.urgency.value, other.urgency.value) == (Priority.HIGH, Priority.LOW)


def test_labels_and_alarms_say_it_better_than_habits(team: Learned) -> None:
    analysis = _asked(team, "zorbulate panel", labels=("type: documentation", "size/XS", "priority: low"))
    assert analysis.type.value is WorkType.DOCUMENTATION
    assert analysis.effort == _asked(None, "zorbulate panel", labels=("size/XS", "type: documentation")).effort
    assert analysis.urgency.value is Priority.LOW
    assert _asked(team, "quaddle: production is down, data loss").urgency.value is Priority.URGENT


def test_the_same_history_gives_the_same_file_and_a_file_gives_the_same_answers(team: Learned) -> None:
    lines = [_line(n) for n in range(40)]
    assert encode(_taught(lines)) == encode(_taught(lines))
    read_again = decode(encode(team), "learned.json")
    assert msgspec.json.encode(_asked(read_again, "frimble")) == msgspec.json.encode(_asked(team, "frimble"))


def test_too_little_history_changes_nothing_and_says_so() -> None:
    learned = _taught([_line(n) for n in range(9)])
    assert (learned.type, learned.agents, learned.effort, learned.priority) == (None, None, None, None)
    assert all("not learned" in note for note in learned.notes)
    before, after = _asked(None, "zorbulate panel"), _asked(learned, "zorbulate panel")
    assert (after.type, after.effort, after.urgency, after.agents) == (
        before.type,
        before.effort,
        before.urgency,
        before.agents,
    )


def test_labels_that_say_nothing_about_the_words_are_not_learned() -> None:
    lines = [{**_line(n), "labels": [("bug", "task", "task", "bug")[n // 2 % 4]]} for n in range(60)]
    assert _taught(lines).type is None


def test_neighbours_teach_what_is_common_and_the_teams_own_words_still_win() -> None:
    own = _history([_line(n) for n in range(30)])
    others = _history(
        [
            {"title": f"{('quaddle', 'zorbulate')[n % 2]} wobbles", "body": ("glimp", "snark")[n % 2], "labels": [("bug", "task")[n % 2]]}
            for n in range(40)
        ]
    )  # fmt: skip
    learned = learn(own, _LEXICON, _AGENTS, others)
    assert learned.type is not None
    assert _asked(learned, "zorbulate panel", "The frimble again.").type.value is WorkType.BUG
    assert _asked(learned, "glimp").type.value is WorkType.BUG
    assert _asked(learned, "snark").type.value is WorkType.TASK
    assert decode(encode(learned), "learned.json").type == learned.type


def test_points_give_the_thirds_of_the_team_and_no_invented_hours() -> None:
    learned = _taught([_line(n, points=(8, 1)[n % 2]) for n in range(60)])
    assert learned.unit == "points"
    size = _asked(learned, "zorbulate gauge", "frimble").effort
    assert "points" in size.evidence[0].seen
    assert size.complexity != _asked(learned, "quaddle gauge", "vimmle").effort.complexity


def test_what_github_writes_is_understood_and_put_in_order_of_time() -> None:
    history = _history(
        [
            {"title": "b", "body": None, "labels": [{"id": "x", "name": "kind/bug", "color": "f00"}], "closedAt": "2026-02-01T00:00:00Z"},
            {"title": "a", "body": "", "labels": [{"name": "area/frontend"}, {"name": "P1"}], "closedAt": "2026-01-01T00:00:00Z"},
        ]
    )  # fmt: skip
    assert [work.title for work in history] == ["a", "b"]
    assert [work.type for work in history] == [None, WorkType.BUG]
    assert [work.agent for work in history] == ["frontend-developer", None]
    assert history[0].priority is Priority.HIGH


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"body": "no title"}', '{"title": 1}', '{"title": "x", "priority": "soon"}']
)
def test_a_broken_line_is_refused_with_its_number(line: str) -> None:
    data = f'{{"title": "fine"}}\n\n{line}\n'.encode()
    with pytest.raises(PayloadInvalid, match="no closed issue") as refused:
        read_history(data, "history.jsonl", _LEXICON, _AGENTS)
    assert refused.value.where == "history.jsonl:3"


def test_impossible_sizes_and_unknown_agents_say_nothing() -> None:
    work = _history([{"title": "x", "hours": -3, "points": 1e9, "agent": "nobody-we-know"}])[0]
    assert (work.hours, work.points, work.agent) == (None, None, None)


def test_a_damaged_learned_file_is_refused(team: Learned) -> None:
    assert team.type is not None
    short = Table(team.type.table.keys, (b"\x01",) * len(team.type.names), team.type.table.steps)
    damaged = [
        b"{}",
        b"not json",
        encode(team)[:-20],
        encode(msgspec.structs.replace(team, type=msgspec.structs.replace(team.type, table=short))),
        encode(msgspec.structs.replace(team, type=msgspec.structs.replace(team.type, names=("bug", "nonsense")))),
    ]
    for data in damaged:
        with pytest.raises(PayloadInvalid):
            decode(data, "learned.json")


def test_a_hub_uses_what_stands_in_its_data_folder(team: Learned, tmp_path: Path) -> None:
    path = tmp_path / "analysis.json"
    without = analyst_with(str(path)).analyse("zorbulate panel", "", (), _AGENTS)
    path.write_bytes(encode(team))
    with_it = analyst_with(str(path)).analyse("zorbulate panel", "", (), _AGENTS)
    assert without.analyst == offline_analyst().analyse("x", "", (), ()).analyst
    assert with_it.analyst == f"learned-1-60-{fingerprint_of(encode(team))}"
    path.write_bytes(b"{}")
    with pytest.raises(PayloadInvalid, match="no learned analysis"):
        analyst_with(str(path))


def test_a_guess_that_is_not_sure_recommends_nobody_and_says_why() -> None:
    unsure = AgentMatch("rust-pro", RECOMMENDED_FROM - 1, ())
    sure = AgentMatch("rust-pro", RECOMMENDED_FROM, ())
    analysis = _asked(None, "Login page")
    doubtful = msgspec.structs.replace(analysis, agents=(unsure,))
    assert doubtful.recommended is None
    assert "rust-pro, is 27 % sure" in doubtful.nobody
    certain = msgspec.structs.replace(analysis, agents=(sure, unsure))
    assert (certain.recommended, certain.nobody) == (sure, "")
