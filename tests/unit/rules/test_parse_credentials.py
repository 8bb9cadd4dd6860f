"""A credential in a rules file is refused wherever it stands, and never shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.rules.leaks import without_credentials
from ai_crm.rules.rule import Defaults
from ai_crm.rules.source import Problems

# Written apart, so that no scanner takes this file for a leak.
BODY = "a1B2c3D4" * 5
SHAPES = [
    *(
        "".join(parts) + BODY
        for parts in (
            ("gh", "p_"),
            ("gh", "s_"),
            ("github", "_pat_"),
            ("gl", "pat-"),
            ("xo", "xb-12345-"),
            ("xa", "pp-1-"),
            ("AI", "za"),
            ("ya", "29."),
            ("sk_", "live_"),
            ("wh", "sec_"),
            ("AT", "ATT3"),
            ("np", "m_"),
            ("py", "pi-AgEIcHlwaS5vcmc"),
            ("dckr", "_pat_"),
            ("sk-", "proj-"),
            ("sk-", "ant-api03-"),
            ("h", "f_"),
            ("S", "G."),
            ("dop", "_v1_"),
            ("shp", "at_"),
            ("lin", "_api_"),
            ("nt", "n_"),
            ("fig", "d_"),
            ("gls", "a_"),
            ("dp.", "pt."),
            ("hv", "s."),
            ("pscale", "_pw_"),
            ("sb", "p_"),
            ("sntr", "ys_"),
            ("CCI", "PAT_"),
        )
    ),
    "AK" + "IAIOSFODNN7EXAMPLE",
    "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "https://bot:" + "s3cr3t-word@example.com/x",
    "https://hooks.slack" + ".com/services/T000/B000/XXXXXXXX",
    "https://x.webhook.office" + ".com/webhookb2/1234/IncomingWebhook/abcd",
    "https://discord" + ".com/api/webhooks/123456/abcdef",
    "Account" + "Key=abcd1234==",
    "12345678:" + "AA" + "h" * 33,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
]
HARMLESS = [
    "#dev-team",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "an issue about npm_modules and hf_transformers",
    "sk-learn-contrib-estimators-and-more-words",
    "https://github.com/octocat/hello-world/issues/1?x=a:b",
    "https://example.com:8443/@user",
    "00000000-0000-0000-0000-000000000000",
    "19:abcdefabcdefabcdefabcdefabcdef12@thread.tacv2",
    "the monkey pypi-AgE is old",
]


def refused(text: str) -> RulesInvalid:
    with pytest.raises(RulesInvalid) as broken:
        load_policy(text.encode(), "rules.yml", Defaults())
    return broken.value


@pytest.mark.parametrize("secret", SHAPES)
def test_a_credential_is_refused_at_its_place_and_not_shown(secret: str) -> None:
    error = refused(f"version: 1\ncard:\n  label_prefix: '{secret}'\n")
    assert any(problem.what.startswith("this looks like ") for problem in error.problems)
    assert all(problem.line == 3 for problem in error.problems)
    assert secret not in str(error)
    assert BODY not in str(error)


@pytest.mark.parametrize("place", ["# {}", "{}: 1", "agents: [{{{}: 1}}]", "workflows: {{{}: {{trigger: {}}}}}", "[{}"])
def test_comments_keys_and_broken_yaml_are_looked_at_too(place: str) -> None:
    secret = SHAPES[0]
    error = refused(place.format(secret, secret))
    assert "this looks like a credential of GitHub" in [problem.what for problem in error.problems]
    assert secret not in str(error)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_a_credential_is_let_through(text: str) -> None:
    problems = Problems("rules.yml")
    assert without_credentials(text, problems) == text
    assert not problems


def test_the_problem_says_whose_credential_it_is_and_what_to_do() -> None:
    (problem,) = refused(f"# {SHAPES[0]}").problems
    assert (problem.line, problem.column) == (1, 3)
    assert "revoke it" in problem.hint


@given(st.text(max_size=200), st.sampled_from(SHAPES), st.text(max_size=200))
@settings(max_examples=200)
def test_everything_else_stays_where_it_was(before: str, secret: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    clean = without_credentials(text, Problems("rules.yml"))
    assert len(clean) == len(text)
    assert [sign for sign in clean if sign.isspace()] == [sign for sign in text if sign.isspace()]
    assert secret not in clean


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["xo" + "xb-", "-eyJaaaaaaaaaaaa", "a.", "logic.azure.com ", "-----BEGIN ", "eyJaaaaaaaaaaaa.eyJ", "://a:"]
)
def test_no_file_makes_the_search_slow(piece: str) -> None:
    text = (piece * 65_536)[:65_000] + " :// PRIVATE KEY .eyJ"
    assert len(without_credentials(text, Problems("rules.yml"))) == len(text)
