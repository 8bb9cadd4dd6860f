"""What a template may say, and how a wrong one is refused; that the answers are the vendor's is proved in tests/cards."""

from __future__ import annotations

from typing import Any

import pytest

from ai_crm.cards.bind import bind, compile_template
from ai_crm.cards.expression import parse


def test_a_value_keeps_its_type_and_a_text_takes_it_in() -> None:
    data = {"n": 2, "list": [1], "yes": True}
    assert bind({"a": "${n}", "b": "${list}", "c": "n=${n}, ${yes}"}, data) == {"a": 2, "b": [1], "c": "n=2, true"}


def test_a_value_that_looks_like_a_template_stays_what_it_is() -> None:
    assert bind("${a} ${b}", {"a": "${b}", "b": "x"}) == "${b} x"
    assert bind(bind("${a}", {"a": "x ${b}"}), {}) == "x ${b}"  # the caller's mistake, still nothing to be found


def test_a_list_repeats_an_object_and_a_condition_leaves_it_out() -> None:
    template = [{"$data": "${rows}", "$when": "${n > 1}", "text": "${$index}: ${n} of ${$root.all}"}]
    assert bind(template, {"all": 3, "rows": [{"n": 1}, {"n": 2}, {"n": 3}]}) == [
        {"text": "1: 2 of 3"},
        {"text": "2: 3 of 3"},
    ]


def test_a_tuple_is_a_list() -> None:
    assert bind([{"$data": "${rows}", "v": "${$data}"}, "${rows[1]}"], {"rows": ("a", "b")}) == [
        {"v": "a"},
        {"v": "b"},
        "b",
    ]


def test_binding_changes_neither_the_template_nor_an_earlier_card() -> None:
    template = {"fixed": [1, 2], "moving": "${a}", "inner": {"moving": "${a}"}}
    expand = compile_template(template)
    first = expand({"a": 1})
    assert expand({"a": 2}) == {"fixed": [1, 2], "moving": 2, "inner": {"moving": 2}}
    assert first == {"fixed": [1, 2], "moving": 1, "inner": {"moving": 1}}
    assert template == {"fixed": [1, 2], "moving": "${a}", "inner": {"moving": "${a}"}}


def test_an_expression_may_hold_the_brace_that_ends_it() -> None:
    assert bind("${if(a == '}', 'yes', \"it's\")}", {"a": "}"}) == "yes"


def test_the_order_of_a_templates_fields_is_kept() -> None:
    assert list(bind({"z": "${a}", "a": 1, "m": "${a}"}, {"a": 0})) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "template",
    [
        "${",
        "${a",
        "${'a}",
        "${}",
        "${a b}",
        "${a ==}",
        "${== a}",
        "${a == b == c}",
        "${a < b == c}",
        "${a = b}",
        "${(a}",
        "${a)}",
        "${a.}",
        "${a.1}",
        "${a[}",
        "${a[b]}",
        "${a[0}",
        "${a[-1]}",
        "${a + 1}",
        "${-a}",
        "${--1}",
        "${$host}",
        "${$other.a}",
        "${f(a)}",
        "${exists()}",
        "${exists(a, b)}",
        "${if(a, b)}",
        "${count(a}",
        "${count(a b)}",
        "${'escaped \\n'}",
        "${'word'}",
        "${1}",
        "${true}",
        "\\${a}",
        "`${a}`",
        {"$when": True},
        {"$when": "a"},
        {"$when": "x ${a}"},
        {"$when": ""},
        {"$when": "${a}${a}"},
        {"$when": "${true}"},
        {"$data": {"a": "${b}"}},
        {"$data": ["${b}"]},
    ],
    ids=repr,
)
def test_a_wrong_template_is_refused_before_it_is_used(template: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compile_template(template)


@pytest.mark.parametrize(
    "template", ["x ${nothing}", "x ${list}", "x ${object}", "${count(n)}", "${length(list)}", "${n > 'x'}"]
)
def test_data_that_has_no_place_in_a_text_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        bind(template, {"nothing": None, "list": [], "object": {}, "n": 1})


def test_a_message_about_a_wrong_expression_quotes_it() -> None:
    with pytest.raises(ValueError, match=r"'b' in the expression 'a b'"):
        parse("a b")
