"""What a project's own history taught: asked for when something is analysed, said when it cannot be used, never guessed."""

# ruff: noqa: ARG002 - files that are in a table are looked at by name only

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from ai_crm.analysis import fingerprint_of, offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import Problem, RulesInvalid, UpstreamUnavailable
from ai_crm.flow.consider import LEARNED, Analysts, consider
from ai_crm.flow.rehearse import rehearse
from ai_crm.model.analysis import Analysis, WorkType
from ai_crm.model.change import CreateTask
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.platforms.hub import OwnPlatform
from ai_crm.ports import RulesText
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.store.memory import MemoryStore
from tests.conftest import Finish
from tests.doubles.taught import taught_file
from tests.unit.flow.test_occasions import REPORT, event
from tests.unit.rules.conftest import NOW, PROJECT, an_event, an_item

PATH = ".github/ai-crm-analysis.json"
RULES = f"""
analysis: {{learned: {PATH}}}
workflows:
  look:
    trigger: issue_opened
    conditions: [{{labels: bug}}]
    task: {{title: "x", pm_analysis: true}}
  plain:
    trigger: issue_reopened
    task: {{title: "y", pm_analysis: false}}
"""
POLICY = load_policy(RULES.encode(), "ai-crm.yml", Defaults())


class Files:
    """Implements ports.RulesSource with one file, or with what goes wrong when it is asked for."""

    def __init__(self, found: bytes | Exception | None) -> None:
        self._found = found
        self.asked: list[tuple[str, str]] = []

    async def rules(self, project: str) -> None:
        raise AssertionError("the rules are there already")

    async def learned(self, project: str, path: str) -> RulesText | None:
        self.asked.append((project, path))
        if isinstance(self._found, Exception):
            raise self._found
        return None if self._found is None else RulesText(path, self._found, "default branch")


def _issue(title: str = "quaddle lever", name: str = "issues.opened", label: str = "bug") -> Event:
    return an_event(an_item(title=title, labels=(label,)), name)


def _considered(seen: Event, files: Files, finish: Finish, policy: Policy = POLICY) -> Decision:
    analysts = Analysts(offline_analyst(), files)
    return finish(consider(seen, OwnPlatform(), MemoryStore(), policy, analysts, NOW)).decision


def _analysis(decision: Decision) -> Analysis:
    (task,) = (change for change in decision.changes if isinstance(change, CreateTask))
    assert task.analysis is not None
    return task.analysis


def test_the_decision_says_which_file_it_was_made_with(finish: Finish) -> None:
    files = Files(taught_file())
    analysis = _analysis(_considered(_issue(), files, finish))
    assert analysis.analyst == f"learned-1-40-{fingerprint_of(taught_file())}"
    assert files.asked == [(PROJECT.name, PATH)]


def test_the_same_event_rules_and_file_give_the_same_bytes(finish: Finish) -> None:
    once, again = (_considered(_issue(), Files(taught_file()), finish).to_json() for _ in range(2))
    other = _considered(_issue(), Files(taught_file(42)), finish).to_json()
    assert once == again != other


@pytest.mark.parametrize("seen", [_issue(label="other"), _issue(name="issues.reopened"), _issue(name="issues.edited")])
def test_what_needs_no_analysis_asks_for_no_file(seen: Event, finish: Finish) -> None:
    files = Files(taught_file())
    _considered(seen, files, finish)
    assert files.asked == []


def test_a_task_that_exists_needs_none_again(finish: Finish) -> None:
    files, store = Files(taught_file()), MemoryStore()
    analysts = Analysts(offline_analyst(), files)
    first = finish(consider(_issue(), OwnPlatform(), store, POLICY, analysts, NOW)).decision
    finish(store.commit(first, NOW))
    later = msgspec.structs.replace(_issue(), id="another", item=an_item(labels=("bug",), updated_at=NOW))
    finish(consider(later, OwnPlatform(), store, POLICY, analysts, NOW + timedelta(hours=1)))
    assert len(files.asked) == 1


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "there is no such file"),
        (b"{}", "it is no learned analysis"),
        (b"version https://git-lfs.github.com/spec/v1", "it is no learned analysis"),
        (RulesInvalid((Problem(PATH, 0, 0, "is a symlink and not a plain file"),)), "is a symlink"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_by_each_rule_and_the_usual_analysis_goes_on(
    found: bytes | Exception | None, why: str, finish: Finish
) -> None:
    decision = _considered(_issue(), Files(found), finish)
    assert _analysis(decision).analyst == offline_analyst().analyse("x", "", (), ()).analyst
    (skip,) = decision.skips
    assert (skip.rule, skip.action) == ("look", LEARNED)
    assert PATH in skip.because
    assert why in skip.because
    assert _analysis(decision).type.value is WorkType.BUG  # its label says so


def test_a_file_that_nobody_can_say_anything_about_decides_nothing(finish: Finish) -> None:
    with pytest.raises(UpstreamUnavailable):
        _considered(_issue(), Files(UpstreamUnavailable("no answer")), finish)


def test_without_the_key_in_the_rules_nobody_is_asked(finish: Finish) -> None:
    files = Files(taught_file())
    without = load_policy(RULES.replace("analysis: {", "# {", 1).encode(), "ai-crm.yml", Defaults())
    assert _considered(_issue(), files, finish, without).skips == ()
    assert files.asked == []


def test_the_hubs_own_reports_have_no_history(finish: Finish) -> None:
    files = Files(taught_file())
    rules = (
        f"analysis: {{learned: {PATH}}}\nworkflows: {{r: {{trigger: report, cron: '0 9 * * *', task: {{title: x}}}}}}"
    )
    policy = load_policy(rules.encode(), "hub.yml", Defaults())
    assert _analysis(_considered(event(REPORT), files, finish, policy))
    assert files.asked == []


def test_the_projects_file_counts_before_the_hubs() -> None:
    hub = load_policy(RULES.replace(PATH, "hub.json").encode(), "hub.yml", Defaults())
    own = load_policy(b"workflows: {}\n", "ai-crm.yml", Defaults())
    assert merged(POLICY, (hub,), load_agents()).learned == PATH
    assert merged(own, (hub,), load_agents()).learned == "hub.json"
    assert merged(own, (), load_agents()).learned == ""


def test_a_rehearsal_says_that_it_does_without() -> None:
    tried = rehearse(_issue(), (), POLICY, offline_analyst(), NOW)
    assert tried.unknown == (f"what {PATH} taught the analysis",)
    assert rehearse(_issue(label="other"), (), POLICY, offline_analyst(), NOW).unknown == ()
