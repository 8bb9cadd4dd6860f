"""How a decision reads for a person: complete, the nearest miss first, and harmless whatever strangers wrote."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.model.change import CreateTask, change_key
from ai_crm.model.decision import Answer, Decision, Finding, Skip, Verdict
from ai_crm.model.item import PlatformName
from ai_crm.model.task import RuleId
from ai_crm.rules.explain import explain
from tests.unit.rules.conftest import an_item

ITEM = an_item().ref
YES = Finding(condition="trigger", satisfied=True, wanted="issue_opened", seen="issues.opened")
NO = Finding(condition="labels", satisfied=False, wanted="bug", seen="no labels")
UNKNOWN = Finding(condition="files_changed", satisfied=False, wanted="*.py", seen="not looked up", known=False)


def verdict(rule: str, *findings: Finding, **fields: Any) -> Verdict:
    matched = all(finding.satisfied for finding in findings)
    return Verdict(rule=RuleId(rule), findings=findings, **{"matched": matched, **fields})


def decision(*verdicts: Verdict, **fields: Any) -> Decision:
    usual: dict[str, Any] = {
        "event": "delivery-1",
        "platform": PlatformName.GITHUB,
        "names": ("issues.opened",),
        "actor": "octocat",
        "item": ITEM,
        "answer": Answer.NOTHING,
        "rules": "0" * 64,
        "changes": (),
        "skips": (),
    }
    return Decision(verdicts=verdicts, **{**usual, **fields})


def test_everything_that_was_decided_is_told() -> None:
    create = CreateTask(
        key=change_key(RuleId("bugs"), ITEM, "x", ""),
        rule=RuleId("bugs"),
        item=ITEM,
        because='rule "bugs" creates a task',
        title="x",
    )
    skip = Skip(rule=RuleId("bugs"), action="assign", because="nobody is there")
    nested = Finding(
        condition="any", satisfied=True, wanted="one of 2 conditions", seen="1 of 2 hold", within=(YES, NO)
    )
    told = explain(
        decision(
            verdict("far", YES, NO, NO),
            verdict("near", YES, UNKNOWN, line=7),
            verdict("other", NO, note="it is about something else"),
            verdict("bugs", YES, nested, line=3),
            answer=Answer.ACT,
            changes=(create,),
            skips=(skip,),
        )
    )
    assert told == (
        "issues.opened by octocat on github:octocat/hello-world:issue:42\n"
        "1 of 4 rules matched.\n"
        "\n"
        '✓ rule "bugs" (line 3) matched\n'
        "    ✓ trigger: wants issue_opened; saw issues.opened\n"
        "    ✓ any: wants one of 2 conditions; saw 1 of 2 hold\n"
        "        ✓ trigger: wants issue_opened; saw issues.opened\n"
        "        ✗ labels: wants bug; saw no labels\n"
        "\n"
        '✗ rule "near" (line 7) did not match: 1 of 2 did not hold, 1 of them not looked up\n'
        "    ✓ trigger: wants issue_opened; saw issues.opened\n"
        "    ? files_changed: wants *.py; saw not looked up\n"
        "\n"
        '✗ rule "far" did not match: 2 of 3 did not hold\n'
        "    ✓ trigger: wants issue_opened; saw issues.opened\n"
        "    ✗ labels: wants bug; saw no labels\n"
        "    ✗ labels: wants bug; saw no labels\n"
        "\n"
        '✗ rule "other" was not asked\n'
        "    it is about something else\n"
        "    ✗ labels: wants bug; saw no labels\n"
        "\n"
        "What follows:\n"
        '  → create_task: rule "bugs" creates a task\n'
        "\n"
        "What cannot be done:\n"
        '  ! assign (rule "bugs"): nobody is there\n'
    )


def test_of_two_equal_misses_the_rule_that_waits_for_this_event_is_nearer() -> None:
    told = explain(decision(verdict("asleep", NO, YES), verdict("awake", YES, NO)))
    assert told.index('"awake"') < told.index('"asleep"')


def test_a_rule_that_matched_and_has_nothing_left_to_do_says_so() -> None:
    told = explain(decision(verdict("bugs", YES, note="AICRM-42 exists already")))
    assert '✓ rule "bugs" matched\n    AICRM-42 exists already\n' in told


def test_silence_is_explained() -> None:
    assert "AI-CRM caused this event itself" in explain(decision(answer=Answer.ECHO))
    assert "switched off in the rules file" in explain(decision(answer=Answer.OFF))
    assert "0 of 0 rules matched." in explain(decision(actor=""))


@given(st.text(max_size=400))
@settings(max_examples=100)
def test_strangers_cannot_write_lines_or_commands_of_their_own(text: str) -> None:
    hostile = Finding(condition="labels", satisfied=False, wanted=text, seen=f"::error::{text}\n::add-mask::a##[group]")
    usual = explain(decision(verdict("a", YES, NO, note="n")))
    told = explain(decision(verdict("a", YES, hostile, note=text or "n"), actor=text))
    assert told.count("\n") == usual.count("\n")
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())
    assert "##[" not in told
    assert all(unicodedata.category(sign) not in {"Cc", "Cs"} for sign in told if sign != "\n")
    assert all(len(line) < 400 for line in told.splitlines())
