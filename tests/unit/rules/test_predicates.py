"""Every condition once when it holds, once when it does not and once when it is refused; and what all have in common."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator
from msgspec import Struct
from msgspec.structs import replace

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event, FieldChange, Remark
from ai_crm.model.facts import FACTS
from ai_crm.model.item import ItemKind, ItemState, Person
from ai_crm.rules.predicates import PREDICATES, branches, files, labels, outcomes, people, states, texts
from ai_crm.rules.rule import Predicate, Team
from ai_crm.rules.source import Problems
from tests.unit.rules.conftest import NOW, PROJECT, a_policy, an_event, an_item, problems, value

ISSUE = an_event(an_item(labels=("Bug", "p1"), assignees=("hubot",), milestone="v2.0"))
PULL = an_event(
    an_item(
        ItemKind.PULL_REQUEST,
        {"fork": "true"},
        title="Fix the crash",
        base="main",
        head="fix/crash",
        files=("src/app.py", "docs/index.md"),
        lines_changed=40,
    ),
    "pull_request.opened",
)
COMMENT = Remark(author=Person("hubot"), body="/triage please", url="https://github.com/octocat/hello-world/issues/1")
LABELED = replace(ISSUE, names=("issues.labeled",), changed=(FieldChange("labels", after="bug"),))
UNLABELED = replace(ISSUE, names=("issues.unlabeled",), changed=(FieldChange("labels", before="bug"),))
COMMENTED = replace(ISSUE, remark=COMMENT)
REVIEWED = replace(PULL, remark=Remark(author=Person("hubot"), body="", url="", verdict="approved"))
DISCUSSION = an_event(an_item(ItemKind.DISCUSSION, {"category": "Q&A"}))
PUSH = an_event(an_item(ItemKind.PUSH, {"branch": "main", "ref": "refs/heads/main"}, files=("a.py",)), "push")
TAG_PUSH = an_event(an_item(ItemKind.PUSH, {"branch": "", "ref": "refs/tags/v1.2"}), "push")
BRANCH = an_event(an_item(ItemKind.REF, {"name": "release/1", "ref_type": "branch"}), "create")
TAG = an_event(an_item(ItemKind.REF, {"name": "v1.2", "ref_type": "tag"}), "create")
RUN = an_event(
    an_item(ItemKind.WORKFLOW_RUN, {"name": "CI", "branch": "main", "conclusion": "failure", "event": "push"}),
    "workflow_run.completed",
)
FORKED_RUN = replace(RUN, item=replace(RUN.item, facts={**RUN.item.facts, "event": "pull_request"}))
RELEASE = an_event(
    an_item(ItemKind.RELEASE, {"tag_name": "v2.0.0-rc1", "prerelease": "true", "draft": "false"}), "release.published"
)
DEPLOYMENT = an_event(
    an_item(ItemKind.DEPLOYMENT, {"environment": "Production", "ref": "main", "status": "failure"}),
    "deployment_status.created",
)
ALERT = an_event(an_item(ItemKind.ALERT, {"severity": "critical"}), "dependabot_alert.created")


class Case(Struct, frozen=True):
    """Values that hold for an event, values that do not, and values that no file may have."""

    holds: tuple[tuple[str, Event], ...]
    fails: tuple[tuple[str, Event], ...]
    refused: tuple[str, ...]


CASES: dict[type[Predicate], Case] = {
    labels.Labels: Case(
        holds=(("bug", ISSUE), ("[enhancement, BUG]", ISSUE)),
        fails=(("enhancement", ISSUE), ("bug", PULL), ("[bugs, ug]", ISSUE)),
        refused=("null", "[]", "true", "{bug: 1}", "[bug, null]", '""', "[[bug]]", "x" * 51),
    ),
    labels.LabelsAll: Case(
        holds=(("[bug, P1]", ISSUE), ("bug", ISSUE)),
        fails=(("[bug, p2]", ISSUE), ("bug", PULL)),
        refused=("null", "[]"),
    ),
    labels.NotLabels: Case(
        holds=(("[wontfix, duplicate]", ISSUE), ("bug", PULL)),
        fails=(("[wontfix, BUG]", ISSUE),),
        refused=("null", "false"),
    ),
    labels.LabelAdded: Case(
        holds=(("bug", LABELED), ("[p1, BUG]", LABELED)),
        fails=(("p1", LABELED), ("bug", ISSUE), ("bug", UNLABELED)),
        refused=("null",),
    ),
    files.FilesChanged: Case(
        holds=(('"*.py"', PULL), ('["*.js", "docs/"]', PULL), ('["**", "!docs/**"]', PULL), ('"*.py"', PUSH)),
        fails=(('"*.js"', PULL), ('["*.md", "!docs/"]', PULL), ('"*.py"', ISSUE)),
        refused=("null", '"!docs/**"', '["!a", "!b"]', '"*.{js,ts}"', "[1]", "x" * 201, '"[z-a]"'),
    ),
    files.FilesOnly: Case(
        holds=(('["*.py", "docs/"]', PULL), ('"*.py"', PUSH)),
        fails=(('"*.py"', PULL), ('"*.py"', ISSUE), ('["**", "!docs/"]', PULL)),
        refused=("null", '"!x"'),
    ),
    files.NotFilesChanged: Case(
        holds=(('"*.js"', PULL), ('"*.py"', ISSUE)), fails=(('["*.js", "*.py"]', PULL),), refused=("null", '"/"')
    ),
    files.Size: Case(
        holds=(("{min: 40}", PULL), ("{max: 40}", PULL), ("{min: 1, max: 100}", PULL)),
        fails=(("{min: 41}", PULL), ("{max: 39}", PULL), ("{min: 0}", ISSUE)),
        refused=("null", "40", "{}", "{min: -1}", "{max: many}", "{least: 1}", "{min: 5, max: 4}", "{min: true}"),
    ),
    people.Author: Case(
        holds=(("Octocat", ISSUE), ('["@octocat", hubot]', ISSUE)),
        fails=(("hubot", ISSUE), ("octo", ISSUE)),
        refused=("null", "a b", "[]", '"@"', "org/team"),
    ),
    people.NotAuthor: Case(
        holds=(("hubot", ISSUE), ('"dependabot[bot]"', ISSUE)), fails=(("[hubot, OCTOCAT]", ISSUE),), refused=("null",)
    ),
    people.AuthorIsBot: Case(
        holds=(("false", ISSUE), ("true", an_event(an_item(author=Person("renovate[bot]", is_bot=True))))),
        fails=(("true", ISSUE), ("false", an_event(an_item(author=None)))),
        refused=("null", "no", "1"),
    ),
    people.AuthorTeam: Case(
        holds=(
            ("maintainers", ISSUE),
            ("[Octo-Org/Security, others]", an_event(an_item(author_teams=("octo-org/security",)))),
        ),
        fails=(("others", ISSUE), ("octo-org/security", an_event(an_item(author_teams=())))),
        refused=("null", "a b", "a/b/c"),
    ),
    people.Actor: Case(
        holds=(("octocat", ISSUE),), fails=(("hubot", ISSUE),), refused=("null", "1", "[octocat, '']", "-x")
    ),
    people.ActorIsBot: Case(
        holds=(("false", ISSUE), ("true", replace(ISSUE, actor=Person("hubot", is_bot=True)))),
        fails=(("true", ISSUE),),
        refused=("yes",),
    ),
    people.Assignee: Case(
        holds=(("hubot", ISSUE), ("null", PULL), ("[null, octocat]", PULL)),
        fails=(("null", ISSUE), ("octocat", ISSUE), ("octocat", PULL)),
        refused=("[]", '""', "false", "[[hubot]]"),
    ),
    states.State: Case(
        holds=(
            ("open", ISSUE),
            ("closed", an_event(an_item(state=ItemState.DROPPED))),
            ("[done, merged]", an_event(an_item(ItemKind.PULL_REQUEST, state=ItemState.MERGED))),
        ),
        fails=(("closed", ISSUE), ("open", an_event(an_item(state=ItemState.DONE)))),
        refused=("null", "opened", "OPEN", "[]"),
    ),
    states.Draft: Case(
        holds=(("false", PULL), ("true", an_event(an_item(ItemKind.PULL_REQUEST, draft=True)))),
        fails=(("true", PULL),),
        refused=("null", "on"),
    ),
    states.Milestone: Case(
        holds=(("V2.0", ISSUE), ("null", PULL), ('[null, "x"]', PULL), ("null", an_event(an_item(milestone="")))),
        fails=(("null", ISSUE), ("v1", ISSUE), ("v1", PULL)),
        refused=("[]", "2.0", "{}"),
    ),
    states.Type: Case(
        holds=(("bug", an_event(an_item(ItemKind.ISSUE, {"type": "Bug"}))), ("null", ISSUE)),
        fails=(("bug", ISSUE), ("null", an_event(an_item(ItemKind.ISSUE, {"type": "Bug"})))),
        refused=("[]", "true"),
    ),
    states.Category: Case(holds=(("q&a", DISCUSSION),), fails=(("Ideas", DISCUSSION), ("x", ISSUE)), refused=("null",)),
    states.InactiveFor: Case(
        holds=(
            ("14d", an_event(an_item(updated_at=NOW - timedelta(days=14)))),
            ("36h", an_event(an_item(updated_at=NOW - timedelta(hours=40)))),
            ("2w", an_event(an_item(updated_at=NOW - timedelta(days=15)))),
        ),
        fails=(
            ("14d", an_event(an_item(updated_at=NOW - timedelta(days=14) + timedelta(seconds=1)))),
            ("1h", an_event(an_item(updated_at=NOW + timedelta(days=1)))),
        ),
        refused=("null", "14", "0d", "14 days", "1.5d", "99999d", "-1d", '"14d\\n"'),
    ),
    texts.TitleMatches: Case(
        holds=(("^spelling", ISSUE), ("[nope, ReadMe]", ISSUE)),
        fails=(("^README", ISSUE), ("(?-i)readme", ISSUE)),
        refused=("null", '"["', "'(?=x)'", '""', "[]", "x" * 201, "'(.?){900}z'"),
    ),
    texts.BodyMatches: Case(
        holds=(("'commit'", ISSUE),), fails=(("crash", ISSUE), ("Spelling error", ISSUE)), refused=("null", "'*'")
    ),
    texts.CommentMatches: Case(
        holds=(("^/triage", COMMENTED),), fails=(("^triage", COMMENTED), ("/triage", ISSUE)), refused=("null", "'('")
    ),
    branches.Base: Case(
        holds=(("main", PULL), ('["release/*", "m*"]', PULL)),
        fails=(("master", PULL), ("main", ISSUE)),
        refused=("null", "'!main'", '"a b"'),
    ),
    branches.Head: Case(
        holds=(('"fix/*"', PULL),), fails=(('"*"', PULL), ("crash", PULL)), refused=("null", '"fix:x"', "[1]")
    ),
    branches.FromFork: Case(
        holds=(("true", PULL), ("false", an_event(an_item(ItemKind.PULL_REQUEST, {"fork": "false"})))),
        fails=(("false", PULL), ("false", an_event(an_item(ItemKind.PULL_REQUEST)))),
        refused=("null", "'true'"),
    ),
    branches.Branch: Case(
        holds=(("main", PUSH), ("main", RUN), ('"release/**"', BRANCH), ("main", DEPLOYMENT)),
        fails=(("master", PUSH), ('"**"', TAG_PUSH), ('"**"', TAG), ("main", ISSUE)),
        refused=("null", '"~x"'),
    ),
    branches.OnDefaultBranch: Case(
        holds=(("true", PUSH), ("true", RUN), ("false", BRANCH), ("false", FORKED_RUN), ("false", TAG_PUSH)),
        fails=(("true", FORKED_RUN), ("true", BRANCH), ("false", PUSH)),
        refused=("null", "main"),
    ),
    branches.Tag: Case(
        holds=(('"v*"', RELEASE), ('"v1.?"', TAG_PUSH), ("v1.2", TAG)),
        fails=(('"v1.*"', RELEASE), ('"**"', PUSH), ('"**"', BRANCH), ('"**"', ISSUE)),
        refused=("null", '"[v]1"'),
    ),
    outcomes.Workflow: Case(
        holds=(("ci", RUN), ("[Lint, CI]", RUN)), fails=(("Lint", RUN), ("CI", ISSUE)), refused=("null", "[]")
    ),
    outcomes.Conclusion: Case(
        holds=(("failure", RUN), ("[timed_out, failure]", RUN)),
        fails=(("success", RUN), ("failure", ISSUE)),
        refused=("null", "failed", "[success, 1]"),
    ),
    outcomes.Environment: Case(
        holds=(("production", DEPLOYMENT),), fails=(("prod", DEPLOYMENT), ("x", ISSUE)), refused=("null",)
    ),
    outcomes.DeploymentStatus: Case(
        holds=(("[error, failure]", DEPLOYMENT),), fails=(("success", DEPLOYMENT),), refused=("null", "ok")
    ),
    outcomes.Prerelease: Case(
        holds=(("true", RELEASE),), fails=(("false", RELEASE), ("false", ISSUE)), refused=("null", "rc")
    ),
    outcomes.Severity: Case(
        holds=(("[high, critical]", ALERT),), fails=(("low", ALERT), ("low", ISSUE)), refused=("null", "urgent")
    ),
    outcomes.Review: Case(
        holds=(("approved", REVIEWED),),
        fails=(("changes_requested", REVIEWED), ("approved", PULL)),
        refused=("null", "ok"),
    ),
}
POLICY = a_policy(teams=(Team("Maintainers", ("@Octocat", "hubot")), Team("others", ("hubot",))))

every_predicate = pytest.mark.parametrize("predicate", PREDICATES, ids=lambda predicate: predicate.__name__)


def parsed(predicate: type[Predicate], yaml: str) -> Predicate:
    found = problems()
    made = predicate.parse(value(yaml), found)
    found.raise_if_any()
    assert made is not None
    return made


def finding(predicate: type[Predicate], yaml: str, event: Event) -> Finding:
    return parsed(predicate, yaml).check(event, event.item, POLICY, NOW)


def test_every_condition_has_its_cases() -> None:
    assert set(CASES) == set(PREDICATES)
    assert all(case.holds and case.fails and case.refused for case in CASES.values())


def test_no_two_conditions_share_a_spelling() -> None:
    keys = [key for predicate in PREDICATES for key in predicate.keys]
    assert len(keys) == len(set(keys))
    assert not {"all", "any", "not"}.intersection(keys)


@every_predicate
def test_a_condition_holds_where_it_should(predicate: type[Predicate]) -> None:
    for yaml, event in CASES[predicate].holds:
        found = finding(predicate, yaml, event)
        assert (found.satisfied, found.known) == (True, True), (yaml, found)


@every_predicate
def test_a_condition_fails_where_it_should(predicate: type[Predicate]) -> None:
    for yaml, event in CASES[predicate].fails:
        assert not finding(predicate, yaml, event).satisfied, yaml


@every_predicate
def test_a_value_that_means_nothing_is_refused_where_it_stands(predicate: type[Predicate]) -> None:
    for yaml in CASES[predicate].refused:
        found = problems()
        predicate.parse(value(yaml), found)
        assert found, yaml
        assert all(problem.line == 2 and problem.column >= 3 for problem in found.found)
        assert all(
            predicate.keys[0] in problem.what or problem.what.startswith(("min", "max")) for problem in found.found
        )


@every_predicate
def test_a_finding_says_in_words_what_was_wanted_and_what_was_seen(predicate: type[Predicate]) -> None:
    for yaml, event in (*CASES[predicate].holds, *CASES[predicate].fails):
        found = finding(predicate, yaml, event)
        assert found.condition == predicate.keys[0]
        assert found.wanted
        assert found.seen
        assert event.item.body not in found.seen


@every_predicate
def test_a_condition_can_be_asked_about_anything(predicate: type[Predicate]) -> None:
    """Rules that wait for several events meet items of other kinds, and events that say little."""
    for yaml, _ in CASES[predicate].holds:
        for kind in ItemKind:
            for bare in (an_item(kind), an_item(kind, author=None, body="", updated_at=None)):
                event = an_event(bare, project=replace(PROJECT, default_branch=""))
                found = parsed(predicate, yaml).check(event, bare, a_policy(), NOW)
                assert found.known or not found.satisfied


@every_predicate
def test_editors_have_words_and_examples_to_show(predicate: type[Predicate]) -> None:
    Draft202012Validator.check_schema(predicate.schema)
    assert predicate.schema["description"].endswith(".")
    for shown in predicate.schema["examples"]:
        assert Draft202012Validator(predicate.schema).is_valid(shown)
        parsed(predicate, json.dumps(shown))


def test_the_kinds_that_a_condition_is_about_know_the_facts_it_reads() -> None:
    asked: dict[type[Predicate], str] = {
        states.Type: "type",
        states.Category: "category",
        branches.FromFork: "fork",
        outcomes.Workflow: "name",
        outcomes.Conclusion: "conclusion",
        outcomes.Environment: "environment",
        outcomes.DeploymentStatus: "status",
        outcomes.Prerelease: "prerelease",
        outcomes.Severity: "severity",
    }
    for predicate, fact in asked.items():
        kinds = predicate.kinds
        assert kinds is not None
        assert all(fact in FACTS[kind] for kind in kinds), predicate


SCALARS: tuple[object, ...] = (
    None, True, False, 0, 7, -1, 1.5, "", "bug", "octocat", "@octocat", "dependabot[bot]", "org/team", "a b", "main", "*.py",
    "!*.py", "open", "merged", "success", "approved", "critical", "36h", "0d", "x" * 50, "x" * 51, "x" * 201, "^fix", "Bug ",
    "größe", "14d\n", "line\nbreak", "\u2028", " ",
)  # fmt: skip
BOUNDS: tuple[object, ...] = (
    {},
    {"min": 3},
    {"max": 0},
    {"min": 1, "max": 2},
    {"min": -1},
    {"min": "3"},
    {"max": None},
    {"least": 1},
)
VALUES = (
    *SCALARS,
    *BOUNDS,
    *([scalar] for scalar in SCALARS),
    *(["bug", scalar, "main"] for scalar in SCALARS),
    [],
    [["bug"]],
    [{"min": 1}],
    ["!*.py", "!docs"],
    ["open", "closed", None],
    ["36h", "14d"],
)


@every_predicate
def test_schema_and_parser_accept_the_same_values(predicate: type[Predicate]) -> None:
    """Whether an expression compiles no schema can say: `*.py` does not, and is left out for those."""
    schema = Draft202012Validator(predicate.schema)
    expressions = predicate in (texts.TitleMatches, texts.BodyMatches, texts.CommentMatches)
    for written in VALUES:
        if expressions and "*.py" in json.dumps(written):
            continue
        found = problems()
        predicate.parse(value(json.dumps(written, ensure_ascii=False)), found)
        assert schema.is_valid(written) == (not found), (written, found.found)


def test_a_list_of_200_is_the_longest() -> None:
    for predicate, one in ((labels.Labels, "x"), (files.FilesChanged, "*.py"), (texts.TitleMatches, "x")):
        most = max(schema.get("maxItems", 0) for schema in predicate.schema["anyOf"])
        assert most in (100, 200)
        for count in (most, most + 1):
            written = [f"{one}{number}" for number in range(count)]
            found = problems()
            predicate.parse(value(json.dumps(written)), found)
            assert bool(found) is (count > most)


def test_what_was_not_looked_up_is_not_known() -> None:
    unseen = an_event(an_item(ItemKind.PULL_REQUEST, author=None), "pull_request.opened")
    for predicate, yaml in (
        (files.FilesChanged, '"*.py"'),
        (files.FilesOnly, '"*.py"'),
        (files.NotFilesChanged, '"*.py"'),
        (files.Size, "{min: 1}"),
        (people.Author, "octocat"),
        (people.NotAuthor, "octocat"),
        (people.AuthorTeam, "org/team"),
        (branches.Base, "main"),
        (branches.FromFork, "false"),
    ):
        found = finding(predicate, yaml, unseen)
        assert (found.satisfied, found.known) == (False, False), predicate
    unasked = finding(people.AuthorTeam, "org/team", ISSUE)
    assert (unasked.known, unasked.seen) == (False, "the teams of octocat were not looked up")


def test_files_that_are_not_listed_could_decide_it() -> None:
    cut = replace(PULL, item=replace(PULL.item, files_cut=True))
    for predicate, yaml, satisfied, known in (
        (files.FilesChanged, '"*.py"', True, True),
        (files.FilesChanged, '"*.lock"', False, False),
        (files.FilesOnly, '["*.py", "*.md"]', False, False),
        (files.FilesOnly, '"*.py"', False, True),
        (files.NotFilesChanged, '"*.lock"', False, False),
        (files.NotFilesChanged, '"*.py"', False, True),
    ):
        found = finding(predicate, yaml, cut)
        assert (found.satisfied, found.known) == (satisfied, known), (predicate, yaml)


def test_files_and_platform_teams_are_looked_up_and_nothing_else() -> None:
    asking: set[type[Predicate]] = {files.FilesChanged, files.FilesOnly, files.NotFilesChanged}
    for predicate, case in CASES.items():
        needs = parsed(predicate, case.holds[0][0]).needs()
        assert needs.files is (predicate in asking)
        assert needs.teams == ()
    assert parsed(people.AuthorTeam, "[core, org/security]").needs().teams == ("org/security",)


def test_findings_read_like_sentences() -> None:
    question = an_event(an_item(labels=("question", "wontfix")))
    found = finding(labels.Labels, "[bug, enhancement]", question)
    assert (found.wanted, found.seen) == ("any of bug, enhancement", "labels: question, wontfix")
    many = an_event(an_item(labels=tuple(f"l{number}" for number in range(30))))
    assert finding(labels.Labels, "bug", many).seen.endswith("l9 and 20 more")
    assert finding(files.FilesChanged, '"*.py"', PULL).seen == "changed: src/app.py"
    assert finding(files.FilesOnly, '"*.py"', PULL).seen == "changed: docs/index.md"
    assert finding(files.Size, "{min: 10, max: 20}", PULL).wanted == "at least 10 and at most 20 changed lines"
    assert finding(people.Assignee, "null", ISSUE).wanted == "nobody"
    assert finding(branches.OnDefaultBranch, "true", FORKED_RUN).seen == "branch: main of a pull request"
    stale = an_event(an_item(updated_at=NOW - timedelta(days=3, hours=5)))
    assert finding(states.InactiveFor, "14d", stale).seen == "touched 3d 5h ago"


def test_a_team_that_the_file_does_not_declare_is_named_with_its_neighbour() -> None:
    team = parsed(people.AuthorTeam, "[maintainer, others, org/any]")
    assert isinstance(team, people.AuthorTeam)
    found = Problems("rules.yml")
    team.check_declared(POLICY.teams, found)
    assert [(problem.line, problem.column) for problem in found.found] == [(2, 3)]
    assert 'no team "maintainer"' in found.found[0].what
    assert "Maintainers" in found.found[0].hint
