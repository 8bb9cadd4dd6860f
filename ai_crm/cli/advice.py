"""`ai-crm analysis describe`: asks a language model, if you name one, for a summary and criteria; it decides nothing."""

from __future__ import annotations

import http.client
from urllib.parse import SplitResult, urlsplit

import click
import msgspec

from ai_crm.analysis.advice import MOST_ANSWER_BYTES, Advice, Dialect, advice_of, path_of, request_body
from ai_crm.cli.screen import show, show_json
from ai_crm.errors import CredentialsRefused, Problem, SettingsInvalid, UpstreamUnavailable
from ai_crm.model.secret import Secret

_SECONDS = 60
_OK = 200
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# https://docs.anthropic.com/en/api/versioning, read November 2026
_ANTHROPIC_VERSION = "2023-06-01"


@click.command("describe")
@click.argument("text")
@click.option(
    "--endpoint", type=click.Choice([each.value for each in Dialect]), required=True, help="Whose way of asking."
)
@click.option("--url", required=True, help="The base address, such as https://api.openai.com/v1.")
@click.option("--model", required=True, help="The model's name there.")
@click.option("--key", envvar="LLM_API_KEY", default="", help="Better in the variable LLM_API_KEY.", show_envvar=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def describe(text: str, *, endpoint: str, url: str, model: str, key: str, form: str) -> None:
    """Let a language model word a summary and acceptance criteria for TEXT.

    Sends TEXT to the address that you name. The answer is shown and goes nowhere else: type, size, priority, agents
    and everything that rules do stay with the analysis that needs no model.
    """
    title, _, body = text.strip().partition("\n")
    dialect = Dialect(endpoint)
    answer = _asked(dialect, _address(url), Secret(key), request_body(dialect, model, title, body))
    _show(advice_of(dialect, answer), form)


def _show(advice: Advice, form: str) -> None:
    if form == "json":
        show_json(msgspec.json.format(msgspec.json.encode(advice)))
        return
    show(advice.summary)
    show("\n".join(f"- {each}" for each in advice.criteria))


def _address(url: str) -> SplitResult:
    """Where to ask; only over TLS, or on this machine. Raises SettingsInvalid."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return parts
    hint = "begin it with https://; http:// is for a model on this machine"
    raise SettingsInvalid((Problem("--url", 0, 0, f"{url} would send the key and the text in the open", hint),))


def _asked(dialect: Dialect, address: SplitResult, key: Secret, body: bytes) -> bytes:
    """The answer's bytes. Redirects are not followed: a key must not go where a server points."""
    secure = address.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        connection.request("POST", address.path.rstrip("/") + path_of(dialect), body, _headers(dialect, key))
        answer = connection.getresponse()
        read = answer.read(MOST_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise UpstreamUnavailable("the model's address does not answer", hint="Check --url, or try later") from error
    finally:
        connection.close()
    return _accepted(answer.status, read)


def _accepted(status: int, read: bytes) -> bytes:
    if status in {401, 403}:
        raise CredentialsRefused("the model's address refuses the key", hint="Check LLM_API_KEY")
    if status != _OK:
        raise UpstreamUnavailable(f"the model's address answers {status}", hint="Check --url and --model")
    return read


def _headers(dialect: Dialect, key: Secret) -> dict[str, str]:
    plain = {"Content-Type": "application/json"}
    match dialect:
        case Dialect.OPENAI:
            return {**plain, "Authorization": f"Bearer {key.reveal()}"} if key else plain
        case Dialect.ANTHROPIC:
            return {**plain, "x-api-key": key.reveal(), "anthropic-version": _ANTHROPIC_VERSION}
