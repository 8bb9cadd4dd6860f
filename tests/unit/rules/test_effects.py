"""What each action plans: the change, its key, and the skip where it cannot be done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ai_crm.model.agent import Agent, Contact
from ai_crm.model.analysis import (
    AgentMatch,
    Analysis,
    Complexity,
    Effort,
    Evidence,
    Priority,
    TypeOfWork,
    Urgency,
    WorkType,
)
from ai_crm.model.change import (
    AddLabels,
    AnyChange,
    Assign,
    Comment,
    CreateItem,
    CreateTask,
    Later,
    Notify,
    RemoveLabels,
    RequestReview,
    UpdateTask,
)
from ai_crm.model.decision import Skip
from ai_crm.model.item import Item, ItemKind, Person, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId, TaskPatch, TaskStatus
from ai_crm.rules.effects import EFFECTS
from ai_crm.rules.rule import Defaults, Effect, Place, Scene
from tests.unit.rules.conftest import NOW, PROJECT, a_policy, a_scene, an_event, an_item, problems, triggers, value

PEOPLE = (
    Agent(name="debugger", category="x", role="", skills=(), people=(Contact(github="ada"), Contact(github="bob"))),
    Agent(name="code-reviewer", category="x", role="", skills=(), people=(Contact(github="octo-org/reviewers"),)),
    Agent(name="lonely", category="x", role="", skills=()),
    Agent(name="only-slack", category="x", role="", skills=(), people=(Contact(slack="U1"),)),
)
ANALYSIS = Analysis(
    type=TypeOfWork(WorkType.BUG, 90, ()),
    effort=Effort(Complexity.SIMPLE, 2, 1, 4, 60, ()),
    urgency=Urgency(Priority.URGENT, 80, ()),
    agents=(
        AgentMatch("debugger", 70, (Evidence("crash", "title", 60),)),
        AgentMatch("code-reviewer", 40, ()),
    ),
    analyst="words",
)


def read(action: str, params: str, *waits: str, task: bool = False, creates: bool = False, **defaults: bool) -> Effect:
    """The effect that these parameters make, in a rule with these triggers."""
    place = Place(
        triggers=triggers(*(waits or ("issue_opened",))),
        task=task,
        creates=creates,
        agents=tuple(agent.name for agent in PEOPLE),
        rules=("bugs", "reviews"),
        defaults=Defaults(**defaults),
    )
    found = problems()
    kind = next(effect for effect in EFFECTS if effect.action == action)
    effect = kind.parse(value(params), place, found)
    assert found.found == ()
    assert effect is not None
    return effect


def plan(effect: Effect, item: Item | None = None, **scene: Any) -> tuple[AnyChange | Skip, ...]:
    usual: dict[str, Any] = {"policy": a_policy(agents=PEOPLE), "rule": RuleId("bugs"), "once": True}
    return effect.plan(a_scene(an_event(item or an_item()), **{**usual, **scene}), 0)


def only(steps: tuple[AnyChange | Skip, ...]) -> Any:
    (step,) = steps
    return step


def a_task(**fields: Any) -> Task:
    usual: dict[str, Any] = {"id": TaskId("AICRM-42"), "rule": RuleId("bugs"), "item": an_item().ref, "title": "Fix it"}
    return Task(**{**usual, **fields})


# --- create_ai_crm_task -----------------------------------------------------------------------------------------------


def test_a_task_takes_its_title_and_description_from_the_templates() -> None:
    effect = read("create_ai_crm_task", 'title_template: "Bug: {issue.title}"\ndescription: "By {issue.author}"')
    task = only(plan(effect, an_item(title="It\ncrashes", updated_at=NOW)))
    assert isinstance(task, CreateTask)
    assert (task.title, task.description, task.seen_at) == ("Bug: It crashes", "By octocat", NOW)
    assert task.because == 'rule "bugs" creates a task'


def test_a_task_without_a_title_of_its_own_is_called_like_the_item() -> None:
    assert only(plan(read("create_ai_crm_task", "{}"), an_item(title="Typo"))).title == "Typo"
    assert only(plan(read("create_ai_crm_task", "{}"), an_item(title=" \u200b"))).title == "(no title)"


def test_text_of_a_task_is_kept_as_written_but_without_what_cannot_be_seen() -> None:
    effect = read("create_ai_crm_task", 'description: "{issue.body}"')
    task = only(plan(effect, an_item(body="<b>@team</b>\u202e\n\n* x\x00", title="`a` *b* @c")))
    assert (task.title, task.description) == ("`a` *b* @c", "<b>@team</b>\n\n* x")


def test_a_very_long_item_makes_a_task_of_bounded_size() -> None:
    effect = read("create_ai_crm_task", 'description: "{issue.body}"')
    task = only(plan(effect, an_item(body="x" * 60_000, title="y" * 1_000)))
    assert (len(task.title), len(task.description)) == (256, 4_000)
    assert task.title.endswith("…")
    assert task.description.endswith("…")


@pytest.mark.parametrize(
    ("params", "analysis", "priority"),
    [
        ("priority: low", ANALYSIS, Priority.LOW),
        ("priority: HiGh", None, Priority.HIGH),
        ("{}", ANALYSIS, Priority.URGENT),
        ("{}", None, Priority.MEDIUM),
    ],
)
def test_the_rules_word_on_priority_goes_before_the_analysis(
    params: str, analysis: Analysis | None, priority: Priority
) -> None:
    assert only(plan(read("create_ai_crm_task", params), analysis=analysis)).priority is priority


def chosen(params: str, analysis: Analysis | None = ANALYSIS) -> AgentChoice | None:
    task = plan(read("create_ai_crm_task", params), analysis=analysis)[0]
    assert isinstance(task, CreateTask)
    return task.agent


def test_an_agent_that_the_rule_names_is_assigned() -> None:
    assert chosen("agent: code-reviewer") == AgentChoice(
        name="code-reviewer",
        assigned=True,
        because='rule "bugs" gives it to this agent',
        runner_up="debugger",
        confidence=40,
    )


def test_a_hint_recommends_and_does_not_assign() -> None:
    choice = chosen("agent_hint: lonely")
    assert choice is not None
    assert (choice.assigned, choice.confidence, choice.runner_up) == (False, None, "debugger")
    assert choice.because == 'rule "bugs" suggests this agent'


def test_a_hint_without_an_analysis_has_no_runner_up() -> None:
    choice = chosen("agent_hint: lonely\npm_analysis: false", None)
    assert choice is not None
    assert choice.runner_up == ""


def test_without_a_word_of_the_rule_the_analysis_recommends_and_says_what_it_saw() -> None:
    choice = chosen("{}")
    assert choice is not None
    assert (choice.name, choice.assigned, choice.runner_up, choice.confidence) == (
        "debugger",
        False,
        "code-reviewer",
        70,
    )
    assert choice.because == 'the analysis found "crash" in the title'


def test_nobody_is_chosen_when_nothing_speaks_for_anyone() -> None:
    assert chosen("{}", None) is None
    assert chosen("{}", msgspec.structs.replace(ANALYSIS, agents=())) is None


@pytest.mark.parametrize("params", ["auto_assign: true", "auto_assign: true\nagent_hint: debugger"])
def test_auto_assign_makes_a_recommendation_an_assignment(params: str) -> None:
    choice = chosen(params)
    assert choice is not None
    assert choice.assigned


def test_auto_assign_brings_the_people_behind_the_agent_to_an_issue() -> None:
    effect = read("create_ai_crm_task", "auto_assign: true\nassignees: carl")
    task, people = plan(effect, an_item(assignees=("ADA",)), analysis=ANALYSIS)
    assert isinstance(task, CreateTask)
    assert isinstance(people, Assign)
    assert task.assignees == ("ADA", "carl", "bob")
    assert people.people == ("carl", "bob")


def test_auto_assign_asks_the_people_behind_the_agent_to_review_a_pull_request_but_never_its_author() -> None:
    effect = read("create_ai_crm_task", "auto_assign: true\nagent: debugger", "pull_request_opened")
    task, people = plan(effect, an_item(ItemKind.PULL_REQUEST, author=Person("Ada")))
    assert isinstance(task, CreateTask)
    assert isinstance(people, RequestReview)
    assert (task.assignees, people.people, people.teams) == (("bob",), ("bob",), ())


def test_a_team_behind_an_agent_is_asked_as_a_team_and_not_twice() -> None:
    effect = read("create_ai_crm_task", "auto_assign: true\nagent: code-reviewer", "pull_request_opened")
    _, asked = plan(effect, an_item(ItemKind.PULL_REQUEST))
    assert isinstance(asked, RequestReview)
    assert (asked.people, asked.teams) == ((), ("octo-org/reviewers",))
    already = an_item(ItemKind.PULL_REQUEST, reviewers=("octo-org/reviewers",))
    assert len(plan(effect, already)) == 1


def test_a_team_cannot_be_assigned_an_issue_and_that_is_said() -> None:
    effect = read("create_ai_crm_task", "auto_assign: true\nagent: code-reviewer")
    _, skip = plan(effect)
    assert isinstance(skip, Skip)
    assert "octo-org/reviewers is a team" in skip.because


@pytest.mark.parametrize("agent", ["lonely", "only-slack"])
def test_an_agent_with_nobody_behind_it_is_said_with_the_lines_to_write(agent: str) -> None:
    _, skip = plan(read("create_ai_crm_task", f"auto_assign: true\nagent: {agent}"))
    assert isinstance(skip, Skip)
    assert f"- name: {agent}" in skip.because
    assert "under `agents:`" in skip.because


def test_auto_assign_without_any_agent_is_said() -> None:
    _, skip = plan(read("create_ai_crm_task", "auto_assign: true"))
    assert isinstance(skip, Skip)
    assert "nothing speaks for any agent" in skip.because


def test_a_release_has_nobody_to_assign_so_that_only_the_task_names_them() -> None:
    effect = read("create_ai_crm_task", "auto_assign: true\nagent: debugger\nlabels: ship", "release_published")
    task = only(plan(effect, an_item(ItemKind.RELEASE)))
    assert (task.assignees, task.labels) == (("ada", "bob"), ("ship",))


def test_labels_are_added_to_the_item_only_where_they_are_missing() -> None:
    effect = read("create_ai_crm_task", "labels: [Bug, triage]")
    task, labels = plan(effect, an_item(labels=("bug", "ai-crm/high")))
    assert isinstance(task, CreateTask)
    assert isinstance(labels, AddLabels)
    assert task.labels == ("bug", "triage")
    assert labels.labels == ("triage",)
    assert len(plan(effect, an_item(labels=("BUG", "Triage")))) == 1


def test_a_name_that_stands_for_nothing_makes_no_task_of_literal_text() -> None:
    effect = read("create_ai_crm_task", 'title: "For {issue.author.slack_id}"')
    skip = only(plan(effect))
    assert isinstance(skip, Skip)
    assert skip.because.startswith("{issue.author.slack_id} has no value:")


def test_the_steps_inputs_speak_for_a_rule_that_says_nothing() -> None:
    assert read("create_ai_crm_task", "{}").wants_analysis
    assert not read("create_ai_crm_task", "{}", pm_analysis=False).wants_analysis
    assert len(plan(read("create_ai_crm_task", "agent: debugger", auto_assign=True))) == 2


def test_a_rules_own_word_goes_before_the_steps_inputs() -> None:
    assert read("create_ai_crm_task", "pm_analysis: true", pm_analysis=False).wants_analysis
    assert not read("create_ai_crm_task", "pm_analysis: false").wants_analysis
    assert len(plan(read("create_ai_crm_task", "agent: debugger\nauto_assign: false", auto_assign=True))) == 1


# --- update_task ------------------------------------------------------------------------------------------------------


def test_every_task_of_the_item_is_updated() -> None:
    tasks = (a_task(), a_task(id=TaskId("AICRM-42-2"), rule=RuleId("reviews"), status=TaskStatus.DONE))
    steps = plan(read("update_task", "status: done\npriority: high"), tasks=tasks)
    assert [step.rule for step in steps] == ["bugs", "reviews"]
    assert [step.patch for step in steps if isinstance(step, UpdateTask)] == [
        TaskPatch(status=TaskStatus.DONE, priority=Priority.HIGH),
        TaskPatch(priority=Priority.HIGH),
    ]


def test_only_the_task_of_the_named_rule_is_updated() -> None:
    tasks = (a_task(), a_task(id=TaskId("AICRM-42-2"), rule=RuleId("reviews")))
    step = only(plan(read("update_task", "of: reviews\nstatus: blocked", creates=True), tasks=tasks))
    assert isinstance(step, UpdateTask)
    assert step.rule == "reviews"


def test_an_update_that_changes_nothing_is_not_planned() -> None:
    task = a_task(
        priority=Priority.HIGH,
        labels=("late",),
        assignees=("ada",),
        agent=AgentChoice(name="lonely", assigned=True, because=""),
    )
    effect = read("update_task", "priority: high\nlabels: late\nassignees: ada\nagent: lonely\nstatus: todo")
    assert plan(effect, tasks=(task,)) == ()


def test_labels_and_people_join_those_that_the_task_has() -> None:
    task = a_task(labels=("bug",), assignees=("ada",))
    step = only(plan(read("update_task", "labels: [bug, late]\nassignees: bob"), tasks=(task,)))
    assert step.patch == TaskPatch(labels=("bug", "late"), assignees=("ada", "bob"))


def test_a_new_agent_is_assigned_and_the_old_one_is_the_runner_up() -> None:
    task = a_task(agent=AgentChoice(name="debugger", assigned=True, because=""))
    step = only(plan(read("update_task", "agent: lonely"), tasks=(task,)))
    assert step.patch.agent.name == "lonely"
    assert step.patch.agent.assigned
    assert step.patch.agent.runner_up == "debugger"


@pytest.mark.parametrize("params", ["status: done", "of: reviews\nstatus: done"])
def test_an_item_without_a_task_is_said(params: str) -> None:
    skip = only(plan(read("update_task", params), tasks=()))
    assert isinstance(skip, Skip)
    assert "nothing to update" in skip.because


def test_an_event_that_came_late_updates_nothing() -> None:
    task = a_task(seen_at=NOW.replace(hour=13))
    skip = only(plan(read("update_task", "status: done"), an_item(updated_at=NOW), tasks=(task,)))
    assert isinstance(skip, Skip)
    assert "older than what AICRM-42 already followed" in skip.because


# --- words on GitHub --------------------------------------------------------------------------------------------------


def test_a_comment_keeps_its_own_markdown_and_makes_values_inert() -> None:
    effect = read("github_comment", 'message: "**Hi** {issue.author}: {issue.title}"')
    comment = only(plan(effect, an_item(title="@octo-org/all **now**")))
    assert isinstance(comment, Comment)
    text = comment.text.filled(None)
    assert text.startswith("**Hi** octocat: ")
    assert "@octo-org" not in text
    assert "**now**" not in text


def test_a_value_of_several_lines_becomes_a_block_in_a_comment() -> None:
    comment = only(plan(read("github_comment", 'message: "Says: {issue.body}"'), an_item(body="a\n@b closes #1")))
    assert comment.text.filled(None) == "Says: \n\n```text\na\n@b closes #1\n```\n\n"


def test_a_comment_leaves_a_gap_for_what_is_known_once_the_task_is_stored() -> None:
    task = plan(read("create_ai_crm_task", "{}"))[0]
    effect = read("github_comment", 'message: "✅ AI-CRM task created: {task.url}"', task=True, creates=True)
    comment = only(plan(effect, planned=task))
    assert comment.text.parts == ("✅ AI-CRM task created: ", Later("url"))


def test_a_rule_that_makes_no_task_speaks_about_the_first_one_of_the_item() -> None:
    effect = read("github_comment", 'message: "{task.id}: {task.title}"', task=True)
    tasks = (a_task(), a_task(id=TaskId("AICRM-42-2")))
    assert only(plan(effect, tasks=tasks, once=False)).text.filled(None) == "AICRM-42: Fix it"
    assert isinstance(only(plan(effect, tasks=(), once=False)), Skip)


def test_labels_that_make_no_difference_are_not_planned() -> None:
    effect = read("github_label", "add: [triage, Bug]\nremove: [stale, wip]")
    add, remove = plan(effect, an_item(labels=("bug", "Stale")))
    assert isinstance(add, AddLabels)
    assert isinstance(remove, RemoveLabels)
    assert (add.labels, remove.labels) == (("triage",), ("Stale",))
    assert plan(effect, an_item(labels=("triage", "bug"))) == ()


def test_another_issue_is_opened_in_the_same_repository() -> None:
    params = 'title: "Deploy {release.tag_name}"\nbody: "{release.body}"\nlabels: ship'
    item = an_item(ItemKind.RELEASE, {"tag_name": "v1 #2"}, body="Thanks @everyone")
    step = only(plan(read("create_issue", params, "release_published"), item))
    assert isinstance(step, CreateItem)
    assert (step.project, step.labels, step.title.filled(None)) == (PROJECT, ("ship",), "Deploy v1 #2")
    assert "@everyone" not in step.body.filled(None)
    assert only(plan(read("create_issue", "title: x"))).body.filled(None) == ""


# --- people -----------------------------------------------------------------------------------------------------------


def test_people_are_assigned_by_name_and_by_agent_and_never_twice() -> None:
    effect = read("assign", "people: [carl, ada]\nagent: debugger")
    step = only(plan(effect, an_item(assignees=("bob",))))
    assert isinstance(step, Assign)
    assert step.people == ("carl", "ada")
    assert plan(effect, an_item(assignees=("Carl", "Ada", "Bob"))) == ()


def test_assigning_an_agent_with_nobody_behind_it_is_said() -> None:
    assert isinstance(only(plan(read("assign", "agent: lonely"))), Skip)


def test_reviewers_are_people_teams_and_those_behind_an_agent() -> None:
    effect = read(
        "assign_reviewer", "agent: debugger\nreviewers: carl\nteams: [backend, octo-org/web]", "pull_request_opened"
    )
    step = only(plan(effect, an_item(ItemKind.PULL_REQUEST, reviewers=("CARL",))))
    assert isinstance(step, RequestReview)
    assert step.people == ("ada", "bob")
    assert step.teams == ("octocat/backend", "octo-org/web")


def test_the_priority_of_a_review_stands_in_its_reason() -> None:
    effect = read("assign_reviewer", "agent: debugger\npriority: high", "pull_request_opened")
    step = only(plan(effect, an_item(ItemKind.PULL_REQUEST)))
    assert step.because == 'rule "bugs" asks debugger for a review, HIGH priority'


def test_the_author_cannot_review_their_own_pull_request() -> None:
    effect = read("assign_reviewer", "reviewers: Octocat", "pull_request_opened")
    skip = only(plan(effect, an_item(ItemKind.PULL_REQUEST)))
    assert isinstance(skip, Skip)
    assert "is the author" in skip.because


# --- chat -------------------------------------------------------------------------------------------------------------


def test_a_slack_message_goes_to_its_channel_with_values_that_ping_nobody() -> None:
    effect = read("slack_notification", 'channel: "#dev-team"\nmessage: "*New* {issue.title}"')
    step = only(plan(effect, an_item(title="<!channel> *x*")))
    assert isinstance(step, Notify)
    assert (step.platform, step.target) == (PlatformName.SLACK, "#dev-team")
    text = step.text.filled(None)
    assert text.startswith("*New* ")
    assert "<!channel>" not in text


def test_a_teams_message_goes_to_the_person_whom_the_map_names() -> None:
    effect = read(
        "teams_notification",
        'chat_id: "{pr.author.teams_id}"\nmessage: "Your PR is ready: {pr.url}"',
        "pull_request_opened",
    )
    item = an_item(ItemKind.PULL_REQUEST)
    people = (Contact(github="octocat", teams="11111111-2222-3333-4444-555555555555"),)
    step = only(plan(effect, item, policy=a_policy(people=people)))
    assert isinstance(step, Notify)
    assert (step.platform, step.target) == (PlatformName.TEAMS, people[0].teams)
    assert step.text.filled(None) == f"Your PR is ready: {item.url}"


def test_a_person_whom_nobody_mapped_is_a_skip_and_never_literal_text_in_a_chat() -> None:
    effect = read("teams_notification", 'chat_id: "{pr.author.teams_id}"\nmessage: hi', "pull_request_opened")
    skip = only(plan(effect, an_item(ItemKind.PULL_REQUEST)))
    assert isinstance(skip, Skip)
    assert skip.because.startswith("{pr.author.teams_id} has no value:")


def test_a_message_carries_the_card_of_the_task_that_is_there() -> None:
    effect = read("slack_notification", 'channel: "#x"\nmessage: hi')
    assert only(plan(effect, task=a_task())).tasks == (a_task(),)
    assert only(plan(effect)).tasks == ()


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("create_ai_crm_task", "auto_assign: true\nagent: debugger\nlabels: x\nassignees: carl"),
        ("github_comment", "message: hi"),
        ("github_label", "add: x\nremove: bug"),
        ("assign_reviewer", "agent: debugger"),
        ("assign", "people: carl"),
        ("slack_notification", 'channel: "#x"\nmessage: hi'),
        ("teams_notification", "channel: x\nmessage: hi"),
        ("create_issue", "title: x"),
        ("webhook", "url: https://hooks.example.com"),
        ("update_task", "status: done"),
    ],
)
def test_a_change_has_a_key_of_its_own_that_only_depends_on_what_is_to_be_done(action: str, params: str) -> None:
    effect = read(action, params, "pull_request_opened")
    item = an_item(ItemKind.PULL_REQUEST, labels=("bug",))

    def keys(position: int, **scene: Any) -> list[str]:
        event = msgspec.structs.replace(an_event(item), id=scene.pop("event_id", "delivery-1"))
        usual: dict[str, Any] = {"policy": a_policy(agents=PEOPLE), "once": True, "tasks": (a_task(),)}
        steps = effect.plan(a_scene(event, **{**usual, **scene}), position)
        return [step.key for step in steps if not isinstance(step, Skip)]

    first = keys(0)
    assert first
    assert len(set(first)) == len(first)
    assert keys(0, event_id="delivery-2") == first
    assert set(keys(0, event_id="delivery-2", once=False)).isdisjoint(keys(0, once=False))
    assert set(keys(1)).isdisjoint(first)
    assert set(keys(0, rule=RuleId("other"))).isdisjoint(first)


def test_every_action_has_a_name_of_its_own_and_says_what_its_parameters_are() -> None:
    assert len({effect.action for effect in EFFECTS}) == len(EFFECTS)
    for effect in EFFECTS:
        for name, schema in effect.params["properties"].items():
            assert schema.get("description"), f"{effect.action}: {name}"


def test_planning_looks_at_nothing_but_the_scene() -> None:
    scene: Scene = a_scene(an_event(an_item()), once=True, policy=a_policy(agents=PEOPLE), analysis=ANALYSIS)
    effect = read("create_ai_crm_task", 'auto_assign: true\ntitle: "{issue.title}"')
    assert msgspec.json.encode(effect.plan(scene, 0)) == msgspec.json.encode(effect.plan(scene, 0))
    assert scene.event.project == PROJECT
