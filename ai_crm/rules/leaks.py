"""What a credential looks like, so that one that was written into a rules file is refused and never shown again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ai_crm.rules.source import Mark, Problems

# The issuer, and how its credentials begin. What follows must be 16 or more characters with a digit among them, so
# that prose and placeholders (`ghp_xxxx…`) are no credentials. Prefixes as published by the issuers, 2026-11.
_PREFIXES = (
    ("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_"),
    ("GitLab", "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glimt- glagent- gloas- glffct-"),
    ("Slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xoxc- xoxd- xapp-"),
    ("AWS", "AKIA ASIA ABIA ACCA"),
    ("Google", "AIza ya29. GOCSPX-"),
    ("Stripe", "sk_live_ rk_live_ sk_test_ rk_test_ whsec_"),
    ("Atlassian", "ATATT3 ATCTT3 ATBB"),
    ("npm", "npm_"),
    ("PyPI", "pypi-AgE"),
    ("RubyGems", "rubygems_"),
    ("Docker", "dckr_pat_ dckr_oat_"),
    ("OpenAI", "sk-proj- sk-svcacct- sk-admin-"),
    ("Anthropic", "sk-ant-"),
    ("Hugging Face", "hf_"),
    ("SendGrid", "SG."),
    ("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_"),
    ("Shopify", "shpat_ shpca_ shppa_ shpss_"),
    ("Linear", "lin_api_ lin_oauth_"),
    ("Notion", "ntn_"),
    ("Figma", "figd_"),
    ("Databricks", "dapi"),
    ("Grafana", "glsa_ glc_"),
    ("Doppler", "dp.pt. dp.st."),
    ("New Relic", "NRAK- NRJS-"),
    ("Postman", "PMAK-"),
    ("Pulumi", "pul-"),
    ("Vault", "hvs. hvb. hvr."),
    ("Square", "sq0atp- sq0csp-"),
    ("PlanetScale", "pscale_tkn_ pscale_pw_ pscale_oauth_"),
    ("Supabase", "sbp_"),
    ("Sentry", "sntrys_ sntryu_"),
    ("Netlify", "nfp_"),
    ("Heroku", "HRKU-"),
    ("CircleCI", "CCIPAT_ CCIPRJ_"),
    ("age", "AGE-SECRET-KEY-1"),
)

# Shapes that have no issuer's prefix: what it is, a word that is always in it, and the whole. What repeats is bounded,
# so that no text makes the search slow.
_SHAPES = (
    ("a private key", "PRIVATE KEY", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:\s+[\w+/=]{16,})*"),
    ("a signed token (JWT)", ".eyJ", r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    ("an address with a password", "://", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,200}:[^\s/@]{3,200}@"),
    ("a Slack webhook address", "hooks.slack.com", r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[^\s\x22']+"),
    ("a Teams webhook address", "webhook.office.com", r"\bwebhook\.office\.com/webhookb2/[^\s\x22']+"),
    ("a Teams webhook address", "logic.azure.com", r"\blogic\.azure\.com\b.{0,1000}\bsig=[^\s\x22']*"),
    ("a Discord webhook address", "/api/webhooks/", r"\bdiscord(?:app)?\.com/api/webhooks/\d[^\s\x22']+"),
    ("an Azure key", "Shared", r"\bShared(?:AccessKey|AccessSignature)=[^\s\x22']*"),
    ("an Azure key", "AccountKey", r"\bAccountKey=[^\s\x22']*"),
    ("a Telegram bot token", ":AA", r"\b\d{8,10}:AA[\w-]{33}"),
    ("a Terraform token", ".atlasv1.", r"\b\w{14}\.atlasv1\.\w{20}"),
)

_BEHIND_PREFIX = r"(?=[\w.+/=-]{0,200}\d)[\w.+/=-]{16,}"


def without_credentials(text: str, problems: Problems) -> str:
    """The text with each credential overwritten, after telling `problems` where it was and of what kind, not what.

    Comments are looked at like everything else. Every other character stays at its line and column.
    """
    for name, shape in _suspected(text):
        for found in re.finditer(shape, text):
            problems.add(_place(text, found.start()), f"this looks like {name}", _ADVICE)
            text = text[: found.start()] + re.sub(r"\S", "x", found[0]) + text[found.end() :]
    return text


def _suspected(text: str) -> Iterator[tuple[str, str]]:
    """The kinds whose sure sign is in the text: that spares the cold start the compilation of some fifty patterns."""
    for issuer, prefixes in _PREFIXES:
        for prefix in prefixes.split():
            if prefix in text:
                yield f"a credential of {issuer}", rf"(?<!\w){re.escape(prefix)}{_BEHIND_PREFIX}"
    for name, word, shape in _SHAPES:
        if word in text:
            yield name, shape


def _place(text: str, offset: int) -> Mark:
    return Mark(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


_ADVICE = "whoever can read the repository can use it: revoke it, and keep the new one among the workflow's secrets"
