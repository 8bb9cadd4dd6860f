"""What tells the type beside words: the answers of forms, how a title begins, code; with a history and without one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis import offline_analyst, shipped_lexicon
from ai_crm.analysis.clues import clues
from ai_crm.analysis.features import UNIT, hashed
from ai_crm.analysis.heads import fit_head
from ai_crm.analysis.history import read_history
from ai_crm.analysis.learning import learn
from ai_crm.analysis.markdown import Prose, read_text
from ai_crm.analysis.words import fold
from ai_crm.config.agents import load_agents
from ai_crm.model.analysis import TypeOfWork, WorkType

_LEXICON = shipped_lexicon()
_AGENTS = load_agents()
_PLAIN = offline_analyst()


def _type(title: str, body: str) -> TypeOfWork:
    return _PLAIN.analyse(title, body, (), _AGENTS).type


def _read(text: str) -> Prose:
    return read_text(fold(text), _LEXICON.forms)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("### Issue type\n\nFeature Request\n\n### Have you reproduced the bug with the nightly?\n\nYes", WorkType.FEATURE),
        ("### Issue Type\n\nSupport\n\n### Current behaviour?\n\nIt fails.", WorkType.QUESTION),
        ("Type: <b>Feature Request</b>\n\nThe error list is broken down by file.", WorkType.FEATURE),
        ("**Do you want to request a *feature* or report a *bug*?**\n\nFeature / use case", WorkType.FEATURE),
        ("## Type of change\n\n- [ ] Bug fix\n- [x] New feature (adds functionality)\n- [ ] Docs", WorkType.FEATURE),
        ("**Kind**: documentation", WorkType.DOCUMENTATION),
    ],
)  # fmt: skip
def test_what_a_form_was_answered_with_says_the_type(body: str, wanted: WorkType) -> None:
    found = _type("Mixed precision", body)
    assert found.value is wanted
    assert any(evidence.seen.startswith("the form says ") for evidence in found.evidence)


def test_bug_is_what_people_leave_standing_and_says_little() -> None:
    assert (
        _type("Which Python do you support?", "Type: Bug\n\nI want to use it. Please help.").value is WorkType.QUESTION
    )
    assert _type("Mixed precision", "Type: Bug").value is WorkType.BUG


@pytest.mark.parametrize("body", ["Type: string", "kind: Deployment", "### Type\n\n_No response_\n\n### Version\n\n2"])
def test_an_answer_that_is_no_kind_says_nothing(body: str) -> None:
    assert _type("Mixed precision", body).evidence == ()


@pytest.mark.parametrize(
    ("body", "kinds", "words"),
    [
        ("### Which secret are you using?\n\nours", (), ["ours"]),
        ("### 2. Secret code to reproduce it\n\nours", ("bug",), ["ours"]),
        ("**Describe the feature and the secret.**\nours", ("feature",), ["ours"]),
        ("## Install\n\nours", (), ["##", "install", "ours"]),
        ("| secret | 1 |\n|---|---|\nours", (), ["ours"]),
    ],
)
def test_what_a_form_or_a_program_wrote_are_not_the_writers_words(
    body: str, kinds: tuple[str, ...], words: list[str]
) -> None:
    prose = _read(body)
    assert (prose.marks.forms, prose.text.split()) == (kinds, words)


def test_only_ticked_boxes_answer() -> None:
    assert _read("### Kind of issue\n- [ ] bug\n- [x] question\n- [ ] feature\n\nmore").marks.answers == ("question",)


def test_mentioning_the_docs_is_not_a_task_for_the_docs() -> None:
    body = "The docs, the readme and the tutorial mention it. It crashes and the result is incorrect."
    assert _type("Export of a report", body).value is WorkType.BUG


def test_a_title_a_form_code_and_a_link_leave_clues() -> None:
    found = clues(
        "[DevTools] Cannot add node",
        "### Area\n\nCore\n\n### Extra\n\n_No response_\n\n### Rest\n\nOwner: nobody\n```js\nlet x = 1\n```\nhttps://example.org/play/1",
    )
    wanted = ("x0 devtools", "xx devtools cannot", "xt^ devtools", "xharea=core", "xnextra", "xfowner=nobody", "xcjs", "xc0",
              "xlexample.org/play")  # fmt: skip
    assert [clue for clue in wanted if hashed(clue) not in found] == []
    assert hashed("xcore") not in found


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=600))
def test_any_text_leaves_the_same_small_clues(title: str, body: str) -> None:
    found = clues(title, body)
    assert found == clues(title, body)
    assert all(0 <= value <= UNIT and 0 <= key < 1 << 32 for key, value in found.items())


@pytest.mark.parametrize("piece", ["<!--", "```", "```a ", "**a", "# x\n", "a: b\n", "https://a/", "- [x] "])
def test_sixty_kilobytes_of_any_mark_leave_few_clues(piece: str) -> None:
    assert len(clues(piece * 100, piece * (65_000 // len(piece)))) < 300


def _learned(lines: list[dict[str, object]]) -> TypeOfWork:
    history = read_history("\n".join(map(json.dumps, lines)).encode(), "history.jsonl", _LEXICON, _AGENTS)
    learned = learn(history, _LEXICON, _AGENTS)
    assert learned.type is not None
    return offline_analyst(learned).analyse("Glimp", "### Area\n\nsnark\n\n### Rest\n\nquaddle", (), _AGENTS).type


def test_a_team_is_understood_by_the_answers_of_its_own_forms() -> None:
    areas = ("snark", "boojum")
    lines: list[dict[str, object]] = [
        {"title": "Glimp", "body": f"### Area\n\n{areas[n % 2]}\n\n### Rest\n\nquaddle {areas[n // 2 % 2]}", "type": ("task", "bug")[n % 2]}
        for n in range(60)
    ]  # fmt: skip
    assert _learned(lines).value is WorkType.TASK


def test_a_team_is_understood_by_the_code_it_shows() -> None:
    lines: list[dict[str, object]] = [
        {"title": "Glimp", "body": f"quaddle\n```\n{('boojum', 'vorpal')[n % 2]}()\n```", "type": ("task", "bug")[n % 2]}
        for n in range(60)
    ]  # fmt: skip
    history = read_history("\n".join(map(json.dumps, lines)).encode(), "history.jsonl", _LEXICON, _AGENTS)
    analyst = offline_analyst(learn(history, _LEXICON, _AGENTS))
    asked = [
        analyst.analyse("Glimp", f"quaddle\n```\n{word}()\n```", (), _AGENTS).type for word in ("boojum", "vorpal")
    ]
    assert [each.value for each in asked] == [WorkType.TASK, WorkType.BUG]


def test_the_less_there_is_to_learn_from_the_more_the_word_lists_are_believed() -> None:
    """The lists' hash stands in every text and tells nothing: all of its weight is what was believed beforehand."""
    said = {"bug": 7, "task": 8}

    def believed(many: int, neighbours: int = 0) -> int:
        texts = [{7: 500, 8: 500, 100 + n % 2: 4000} for n in range(many + neighbours)]
        names = [("bug", "task")[n % 2] for n in range(many + neighbours)]
        own, others = texts[:many], list(zip(texts[many:], names[many:], strict=True))
        return fit_head(own, names[:many], said, others).table.margin(7, 0)

    assert believed(30) > believed(60) > believed(300) > 0
    assert believed(60) > believed(60, 600) > 0
