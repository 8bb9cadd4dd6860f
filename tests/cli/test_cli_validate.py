"""`ai-crm validate`: every problem at its place, in the form that the asker reads, and a status that stops a merge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_the_rules_of_the_seed_are_valid(ai_crm: Run, rules_file: Path) -> None:
    assert rules_file.exists()
    assert ai_crm("validate") == (0, ".github/ai-crm.yml: 2 rules, valid\n", "")


def test_every_problem_is_shown_at_its_place_with_what_was_probably_meant(ai_crm: Run, broken_rules_file: Path) -> None:
    status, out, _ = ai_crm("validate", str(broken_rules_file))
    assert status == 2
    lines = out.splitlines()
    assert re.search(r"ai-crm\.yml:7:11: .*not_lables.*did you mean \"not_labels\"", lines[0])
    assert re.search(r"ai-crm\.yml:10:22: .*ture", lines[1])
    assert lines[2] == f"{broken_rules_file}: 2 problems, so none of its rules act"


def test_several_files_are_checked_and_one_broken_is_enough(
    ai_crm: Run, broken_rules_file: Path, tmp_path: Path
) -> None:
    good = tmp_path / "good.yml"
    good.write_text("workflows: {}\n", encoding="utf-8")
    status, out, _ = ai_crm("validate", str(good), str(broken_rules_file))
    assert status == 2
    assert out.startswith(f"{good}: 0 rules, valid\n")


def test_a_program_gets_the_problems_as_data(ai_crm: Run, broken_rules_file: Path) -> None:
    status, out, _ = ai_crm("validate", "--format", "json", str(broken_rules_file))
    (file,) = json.loads(out)
    assert (status, file["file"], file["valid"], file["rules"]) == (2, str(broken_rules_file), False, [])
    assert [(problem["line"], problem["column"]) for problem in file["problems"]] == [(7, 11), (10, 22)]
    assert file["problems"][0]["hint"] == 'did you mean "not_labels"?'


def test_a_program_gets_the_names_of_valid_rules(ai_crm: Run, rules_file: Path) -> None:
    status, out, _ = ai_crm("validate", "--format", "json", str(rules_file))
    (file,) = json.loads(out)
    assert (status, file["valid"], file["problems"]) == (0, True, [])
    assert file["rules"] == ["issue_opened", "pull_request_opened"]


def test_github_shows_each_problem_beside_its_line(ai_crm: Run, broken_rules_file: Path) -> None:
    assert broken_rules_file.exists()
    status, out, _ = ai_crm("validate", "--format", "github")
    assert status == 2
    assert re.match(r"::error title=AI-CRM rules,file=\.github/ai-crm\.yml,line=7,col=11::", out)
    assert len(out.splitlines()) == 2


def test_github_gets_no_annotation_for_a_valid_file(ai_crm: Run, rules_file: Path) -> None:
    assert rules_file.exists()
    assert ai_crm("validate", "--format", "github") == (0, "", "")


def test_a_file_cannot_smuggle_a_workflow_command_into_the_log(ai_crm: Run, folder: Path) -> None:
    hostile = folder / "hostile,name: 100%.yml"
    hostile.write_text('"::set-output name=a::b\\n::error::forged": 1\n', encoding="utf-8")
    _, out, _ = ai_crm("validate", "--format", "github", hostile.name)
    assert len(out.splitlines()) == 1
    assert out.startswith("::error title=AI-CRM rules,file=hostile%2Cname%3A 100%25.yml,")


def test_code_scanning_gets_sarif(ai_crm: Run, broken_rules_file: Path) -> None:
    assert broken_rules_file.exists()
    status, out, _ = ai_crm("validate", "--format", "sarif")
    document = json.loads(out)
    (run,) = document["runs"]
    assert (status, document["version"]) == (2, "2.1.0")
    assert {result["ruleId"] for result in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["results"][0]["level"] == "error"
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": ".github/ai-crm.yml"},
        "region": {"startLine": 7, "startColumn": 11},
    }


def test_sarif_of_a_valid_file_has_no_results(ai_crm: Run, rules_file: Path) -> None:
    assert rules_file.exists()
    status, out, _ = ai_crm("validate", "--format", "sarif")
    assert (status, json.loads(out)["runs"][0]["results"]) == (0, [])


def test_a_repository_without_rules_is_told_how_to_begin(ai_crm: Run, folder: Path) -> None:
    assert folder.exists()
    status, out, err = ai_crm("validate")
    assert (status, out) == (2, "")
    assert err.startswith("ai-crm: .github/ai-crm.yml: there is no such file here (")
    assert "ai-crm templates list" in err


def test_two_rules_files_are_an_error_because_only_one_of_them_acts(ai_crm: Run, rules_file: Path) -> None:
    rules_file.with_suffix(".yaml").write_text("workflows: {}\n", encoding="utf-8")
    status, _, err = ai_crm("validate")
    assert status == 2
    assert "more than one rules file: .github/ai-crm.yml, .github/ai-crm.yaml" in err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [" * 40_000, "bytes, more than"),
        (b"\xff\xfea\x00:\x00 \x001\x00", "not UTF-8"),
        (b"rules: \xe9\n", "not UTF-8"),
        (b"{" * 500, ""),
        (b"- a\n- b\n", "settings"),
        (b"hello\n", "settings"),
    ],
    ids=["huge", "utf-16", "latin-1", "deep", "a list", "a sentence"],
)
def test_a_file_that_is_no_rules_file_is_answered_with_a_sentence(
    ai_crm: Run, folder: Path, content: bytes, says: str
) -> None:
    (folder / "rules.yml").write_bytes(content)
    status, out, err = ai_crm("validate", "rules.yml")
    assert (status, err) == (2, "")
    assert out.startswith("rules.yml")
    assert says in out
    assert "Traceback" not in out


@pytest.mark.parametrize(("name", "says"), [("nowhere.yml", "there is no such file"), (".github", "it is a folder")])
def test_a_name_without_a_file_behind_it_is_answered_with_a_sentence(
    ai_crm: Run, folder: Path, name: str, says: str
) -> None:
    assert folder.exists()
    status, out, err = ai_crm("validate", name)
    assert (status, err) == (2, "")
    assert out.startswith(f"{name}: {says} (")


def test_a_byte_order_mark_is_no_problem(ai_crm: Run, rules_file: Path) -> None:
    rules_file.write_bytes(b"\xef\xbb\xbf" + rules_file.read_bytes())
    assert ai_crm("validate")[0] == 0


def test_an_empty_file_opts_out_and_is_valid(ai_crm: Run, folder: Path) -> None:
    (folder / "empty.yml").touch()
    assert ai_crm("validate", "empty.yml") == (0, "empty.yml: 0 rules, valid\n", "")


def test_the_program_answers_the_same_as_the_function(program: Run, ai_crm: Run, broken_rules_file: Path) -> None:
    assert broken_rules_file.exists()
    assert program("validate") == ai_crm("validate")
