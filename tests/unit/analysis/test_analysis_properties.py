"""What holds for every text: the promises of the analyst that no table can prove."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm import resources
from ai_crm.analysis import offline_analyst
from ai_crm.analysis.lexicon import load_lexicon
from ai_crm.config.agents import load_agents
from ai_crm.model.analysis import Analysis, Priority, WorkType

_ANALYST = offline_analyst()
_AGENTS = load_agents()
_LEXICON = load_lexicon(lambda name: resources.read("templates", "analysis", name))
_LEVELS = tuple(Priority)
_few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_KEYWORDS = sorted(
    {word for words in _LEXICON.agents.values() for word in (*words.strong, *words.plain) if word.isalpha()}
    | {"urgent", "outage", "crash", "typo", "epic", "feature", "docs", "down", "complete", "ui", "go", "security"}
)
_NEUTRAL = ("lorem", "ipsum", "dolor", "amet", "consectetur", "adipiscing", "eiusmod", "tempor", "incididunt")
_titles = st.lists(st.sampled_from([*_KEYWORDS, *_NEUTRAL, "no", "not", "?", "`x`"]), max_size=8).map(" ".join)
_bodies = st.lists(
    st.sampled_from(
        [*_KEYWORDS, *_NEUTRAL, "\n", "\n\n", "\r\n", "- ", "# ", "> ", "```", "no", "not a", "<!--", "-->"]
    ),
    max_size=40,
).map(" ".join)
_labels = st.lists(
    st.sampled_from(["bug", "feature", "P0", "priority: low", "size/XL", "docs", "area/ui", "urgent", "question"]),
    unique=True,
    max_size=4,
).map(tuple)


def _analyse(title: str, body: str = "", labels: tuple[str, ...] = ()) -> Analysis:
    return _ANALYST.analyse(title, body, labels, _AGENTS)


def _level(analysis: Analysis) -> int:
    return _LEVELS.index(analysis.urgency.value)


def _all_evidence(analysis: Analysis) -> tuple[object, ...]:
    matches = (match.evidence for match in analysis.agents)
    return (*analysis.type.evidence, *analysis.effort.evidence, *analysis.urgency.evidence, *matches)


@_few
@given(st.text(max_size=80), st.text(max_size=400), st.lists(st.text(max_size=20), max_size=4).map(tuple))
def test_any_text_gets_an_answer_within_its_bounds(title: str, body: str, labels: tuple[str, ...]) -> None:
    analysis = _analyse(title, body, labels)
    assert 1 <= analysis.effort.low <= analysis.effort.hours <= analysis.effort.high
    confidences = [analysis.type.confidence, analysis.effort.confidence, analysis.urgency.confidence]
    confidences += [match.confidence for match in analysis.agents]
    assert all(0 <= confidence <= 100 for confidence in confidences)
    assert len({match.name for match in analysis.agents}) == len(analysis.agents) <= 5
    assert msgspec.json.decode(msgspec.json.encode(analysis), type=Analysis) == analysis


@_few
@given(_titles, _bodies, _labels)
def test_the_same_text_gives_the_same_bytes_from_a_fresh_analyst(
    title: str, body: str, labels: tuple[str, ...]
) -> None:
    fresh = offline_analyst().analyse(title, body, tuple(reversed(labels)), _AGENTS)
    assert msgspec.json.encode(fresh) == msgspec.json.encode(_analyse(title, body, labels))


@_few
@given(_titles, _bodies, _labels)
def test_capitals_change_nothing(title: str, body: str, labels: tuple[str, ...]) -> None:
    assert _analyse(title.upper(), body.title(), labels) == _analyse(title, body, labels)


@_few
@given(_titles, st.sampled_from(["\n", "\r\n", "\r"]))
def test_line_ends_change_nothing(title: str, end: str) -> None:
    body = f"# Heading\n\n- {title}\n- second\n\n```\n{title}\n```\n{title}\n"
    assert _analyse(title, body.replace("\n", end)) == _analyse(title, body)


@_few
@given(st.sampled_from(_KEYWORDS), st.sampled_from(["{}qux", "{}zzq", "xq{}", "q{}q"]))
def test_a_keyword_inside_another_word_is_no_evidence(keyword: str, around: str) -> None:
    word = around.format(keyword)
    assert _all_evidence(_analyse(f"Lorem {word} ipsum", word)) == ()


@_few
@given(st.sampled_from(["production is down", "data loss", "cosmetic", "crash", "lorem"]), st.permutations(_NEUTRAL))
def test_padding_in_any_order_leaves_urgency_alone(claim: str, padding: list[str]) -> None:
    alone = _analyse("Lorem", claim)
    padded = _analyse("Lorem", "\n\n".join([*padding[:5], claim, *padding[5:]]))
    assert padded.urgency == alone.urgency


@_few
@given(_titles, _bodies, _labels)
def test_a_label_that_says_urgent_never_lowers_and_one_that_says_low_never_raises(
    title: str, body: str, labels: tuple[str, ...]
) -> None:
    without = _level(_analyse(title, body, labels))
    assert _level(_analyse(title, body, (*labels, "severity/critical"))) >= without
    assert _level(_analyse(title, body, (*labels, "severity/minor"))) <= without


@_few
@given(_titles, _bodies, _labels, st.sampled_from(WorkType))
def test_a_label_that_names_the_type_found_never_unsettles_it(
    title: str, body: str, labels: tuple[str, ...], kind: WorkType
) -> None:
    before = _analyse(title, body, labels).type
    after = _analyse(title, body, (*labels, f"type: {kind}")).type
    assert after.value in {before.value, kind}
    if before.value is kind:
        assert after.confidence >= before.confidence


@_few
@given(st.sampled_from(_KEYWORDS))
def test_a_quoted_commented_linked_or_fenced_word_is_not_the_writers(word: str) -> None:
    body = f"> {word}\n\n<!-- {word}\n{word} -->\nhttps://example.org/{word}?x={word}\n\n```\n{word}\n```\n"
    assert _analyse("Lorem", body).agents == ()
    assert _analyse("Lorem", body).urgency.evidence == ()
