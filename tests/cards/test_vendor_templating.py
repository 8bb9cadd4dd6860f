"""Our binder gives the answers of Microsoft's adaptivecards-templating."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.cards.bind import bind

pytestmark = pytest.mark.node


class Vendor(Protocol):
    def expand(self, template: Any, data: Any) -> dict[str, Any]: ...


DATA: Mapping[str, Any] = {
    "title": "T", "n": 2, "f": 1.5, "z": 0, "t": True, "fa": False, "nul": None, "empty": "", "obj": {}, "none": [],
    "markup": "${title} {x} `tick` \\ \"q\" 's'", "two": 2.0, "text2": "2",
    "items": [{"s": "x", "n": 1}, {"s": "y", "n": 2, "sub": [{"k": 1}, {"k": 2}]}], "one": [{"s": "solo"}],
    "deep": {"p": {"q": "end"}}, "arr": ["a", None, "b"], "nulls": [None, {"s": "after null"}],
}  # fmt: skip

EXPRESSIONS = [
    "title", "n", "f", "two", "t", "nul", "missing", "missing.a", "deep.p.q", "deep.missing.q", "items[1].s", "items[9].s",
    "items", "deep", "none", "$root", "$root.title", "$data.title", "$index", "arr[1]", "arr[0]",
    "n == 2", "n == 2.0", "title == 'T'", 'title == "T"', "n != 2", "n > 1", "n >= 2", "n < f", "f <= 1.5", "n == -1", "n > -1",
    "text2 == 2", "t == true", "t == 'true'", "t == 1", "z == false", "empty == ''", "nul == null", "missing == null",
    "nul != null", "nul == ''", "title < 'U'", "missing > 1", "nul > 1", "obj == null", "1 == true", "null == nul",
    "!t", "!n", "!z", "!empty", "!missing", "!nul", "!!t", "!(n == 2)", "!t == fa",
    "t && fa", "n && title", "fa || title", "missing || t", "t && missing", "fa || t && fa", "(fa || t) && fa",
    "n == 2 || missing > 1", "fa && (title > 1)", "(n > 1) && (f > 1)",
    "if(t, 'yes', 'no')", "if(z, 'yes', 'no')", "if(empty, 'yes', 'no')", "if(missing, 'yes', 'no')", "if(nul, 1, 2)",
    "if(none, 'yes', 'no')", "if(n > 1, title, 'no')", "if(t, missing, 1)", "if(t, nul, 1)", "if(exists(deep.p), deep.p.q, '')",
    "exists(title)", "exists(missing)", "exists(nul)", "exists(deep.x.y)", "exists(empty)", "exists(nul) == false", "!exists(title)",
    "count(items)", "count(none)", "count(title)", "count(obj)", "length(title)", "length(empty)", "count(items) > 1",
    "markup", " title ", "'}' == title", "count(missing)",
]  # fmt: skip

WITHOUT_ANSWER = [
    "n > text2",
    "title > 1",
    "t > fa",
    "count(n)",
    "length(items)",
    "length(nul)",
    "exists()",
    "if(t, 1)",
    "nope(n)",
]

TEMPLATES: list[Any] = [
    *("Hi ${title}!", "n=${n} f=${f} t=${t} two=${two}", "${title}${n}", "}${title}{", "100% ${n}", "it's ${n}", 'say "${n}"'),
    *("x${empty}y", "a ${missing} b", "x${items[9].s}", "a ${if(t, missing, 1)} b", "a ${'}'} b", "a ${markup}", "$${title}"),
    *("{title}", "$title", "no expression", "", "new\nline ${n}", "a\\nb ${n}", "\\ ${n}"),
    {"$schema": "s", "$root": 1, "$host": 2, "$index": 3, "a": 1},
    {"${title}": 1},
    [[1, 2], [3]],
    [1, None, 2, "${nul}", "${items}", "${missing}", "${arr}"],
    [{"$data": "${items}", "s": "${s}", "i": "${$index}", "up": "${$root.title}"}],
    {"$data": "${items}", "s": "${s}"},
    {"$data": "${one}", "s": "${s}"},
    *({"$data": "${none}", "s": "${s}"}, [{"$data": "${none}", "s": "${s}"}], {"v": {"$data": "${none}", "s": "1"}}),
    *([{"$data": "${missing}", "s": "${s}"}], [{"$data": "${nul}", "s": "${s}"}], [{"$data": None, "s": "${title}"}]),
    [{"$data": "${deep.p}", "q": "${q}", "up": "${$root.title}"}],
    *([{"$data": {"a": 1}, "v": "${a}"}], [{"$data": [{"a": 1}, {"a": 2}], "v": "${a}-${$index}"}]),
    *([{"$data": "word", "v": "${$data}"}], [{"$data": 5, "v": "${$data}"}], [{"$data": "${arr}", "v": "${$data}"}]),
    [{"$data": "${items}", "k": [{"$data": "${sub}", "v": "${k}/${$index}"}], "i": "${$index}"}],
    [{"$data": "${nulls}", "s": "${s}"}],
    [{"$data": "${items}", "$when": "${n == 2}", "s": "${s}"}],
    {"$data": "${items}", "$when": "${$index == 1}", "s": "${s}"},
    [{"$data": "${items}", "$when": "${$root.n == n}", "s": "${s}"}],
    {"v": {"$when": "${fa}", "a": 1}},
    {"$when": "${fa}", "a": 1},
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_answers_as_the_vendors_does(vendor: Vendor, expression: str) -> None:
    for template in ({"v": f"${{{expression}}}"}, [{"$when": f"${{{expression}}}", "kept": True}]):
        assert {"value": bind(template, DATA)} == vendor.expand(template, DATA)


@pytest.mark.parametrize("expression", WITHOUT_ANSWER)
def test_what_has_no_answer_there_is_an_error_here(vendor: Vendor, expression: str) -> None:
    template = {"v": f"${{{expression}}}"}
    assert "error" in vendor.expand(template, DATA)
    with pytest.raises(ValueError, match=r"."):
        bind(template, DATA)


@pytest.mark.parametrize("template", TEMPLATES, ids=json.dumps)
def test_a_template_becomes_what_the_vendors_makes_of_it(vendor: Vendor, template: Any) -> None:
    assert {"value": bind(template, DATA)} == vendor.expand(template, DATA)


@pytest.mark.parametrize("name", ["task", "analysis"])
def test_our_own_templates_become_what_the_vendors_makes_of_them(vendor: Vendor, root: Path, name: str) -> None:
    template = json.loads((root / "templates" / "cards" / f"{name}.json").read_text())
    full: dict[str, Any] = {
        "id": "AICRM-1", "title": "T ${id}", "status": "Todo", "priority": "HIGH", "priority_color": "warning", "agent": "a",
        "estimate": "8 hours", "complexity": "EPIC", "hours": "8 hours", "assignees": "x, y", "about": "issue 1", "url": "https://x.y",
        "reasons": [{"question": "q", "answer": "a"}, {"question": "q2", "answer": "a2"}],
        "moves": [{"title": "Start", "status": "in-progress"}, {"title": "Done", "status": "done"}],
    }  # fmt: skip
    bare = {**full, "agent": None, "estimate": None, "complexity": "x", "assignees": None, "url": None, "moves": []}
    for data in (full, bare, {**full, "reasons": full["reasons"][:1], "moves": full["moves"][:1]}):
        assert {"value": bind(template, data)} == vendor.expand(template, data)


def test_the_template_of_answers_becomes_what_the_vendors_makes_of_it(vendor: Vendor, root: Path) -> None:
    template = json.loads((root / "templates" / "cards" / "answer.json").read_text())
    bare: dict[str, Any] = {
        "line": "l", "heading": "h", "intro": None, "picture": None, "sections": [], "foot": None, "buttons": [],
    }  # fmt: skip
    facts = [{"title": "t", "value": "v"}]
    button = {"title": "b", "verb": "v", "data": {"a": "b"}, "fallback": {"verb": "v", "a": "b"}}
    sections = [{"title": "s", "facts": facts}, {"title": None, "facts": facts * 2}, {"title": "empty", "facts": []}]
    shown = {"picture": {"url": "https://x.y/z.png", "alt": "a picture"}, "intro": "i", "foot": "f"}
    for data in (bare, {**bare, **shown, "sections": sections, "buttons": [button]}):
        assert {"value": bind(template, data)} == vendor.expand(template, data)


# Random templates over random data. Numbers stay small, because Python and JavaScript print large ones differently.
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "y", "${a}", "2"])
rows = st.lists(st.fixed_dictionaries({"a": scalars, "b": scalars}), max_size=3)
data_of = st.fixed_dictionaries({"a": scalars, "b": scalars, "c": st.fixed_dictionaries({"a": scalars}), "rows": rows})
paths = st.sampled_from(["a", "b", "c.a", "rows[0].a", "rows[1].b", "missing", "$root.a", "$data.b", "$index"])
literals = st.sampled_from(["1", "-2", "'x'", "''", "true", "false", "null"])
operands = paths | literals
comparisons = st.builds("{} {} {}".format, paths, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), operands)
conditions = st.recursive(
    comparisons | paths | st.builds("exists({})".format, paths),
    lambda inner: (
        st.builds("!({})".format, inner)
        | st.builds("({}) && ({})".format, inner, inner)
        # There an Or of nothing but nulls is null; here it is false.
        | st.builds("({}) || ({})".format, inner, comparisons)
    ),
    max_leaves=4,
)
values = paths | conditions | st.builds("if({}, {}, {})".format, conditions, paths, paths) | st.just("count(rows)")
texts = st.builds("${{{}}}".format, values) | st.builds("x ${{{}}} y".format, values) | st.sampled_from(["z", ""])
contexts = st.sampled_from(["${rows}", "${c}", "${missing}"])
objects: st.SearchStrategy[dict[str, Any]] = st.deferred(
    lambda: st.fixed_dictionaries(
        {"v": texts},
        optional={
            "$when": st.builds("${{{}}}".format, conditions),
            "$data": contexts,
            "w": st.lists(texts | objects, max_size=2) | objects,
        },
    )
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(template=objects, data=data_of)
def test_a_random_template_becomes_what_the_vendors_makes_of_it(vendor: Vendor, template: Any, data: Any) -> None:
    theirs = vendor.expand(template, data)
    try:
        ours = bind(template, data)
    except ValueError:
        # There it throws, or the expression that has no answer stays in the text.
        assert "error" in theirs or "${(" in json.dumps(theirs), theirs
    else:
        assert {"value": ours} == theirs
