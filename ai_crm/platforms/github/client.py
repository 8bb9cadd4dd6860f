"""How GitHub is written to: through PyGithub, which brings authentication and TLS, and whose own retries are off."""

from __future__ import annotations

from ai_crm import __version__
from ai_crm.errors import AnswerUnintelligible, UpstreamUnavailable
from ai_crm.model.address import parse_address
from ai_crm.platforms.github.answers import API_VERSION, Asked
from ai_crm.platforms.github.encode import Request
from ai_crm.platforms.transport import Answer

_TIMEOUT = 10  # seconds of silence


class Client:
    """Blocks. A write is sent exactly once: when no answer comes, nobody knows whether it was carried out, and whoever
    repeats it looks for our mark first.
    """

    def __init__(self, api_url: str, token: str) -> None:
        from github import Auth, Github  # noqa: PLC0415 - cold start: 190 ms

        parse_address(api_url)  # refuses plain http to another machine, which PyGithub does not
        self._requester = Github(
            auth=Auth.Token(token),
            base_url=api_url,
            user_agent=f"ai-crm/{__version__}",
            api_version=API_VERSION,
            timeout=_TIMEOUT,
            # PyGithub repeats a POST after a 502 and sleeps between requests (2.10): three comments, four seconds.
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
        ).requester

    def close(self) -> None:
        self._requester.close()

    def send(self, request: Request, asked: Asked) -> Answer:
        """GitHub's answer to a write, whatever its status. Raises UpstreamUnavailable, AnswerUnintelligible."""
        from requests import RequestException  # noqa: PLC0415 - cold start

        try:
            status, headers, text = self._requester.requestJson(
                request.method,
                request.path,
                headers={"Accept": "application/vnd.github+json"},
                input=request.body,
            )
        except RequestException as error:
            raise UpstreamUnavailable(
                f"could not {asked.what}: no whole answer came",
                where=asked.where,
                hint="It may have been carried out; run it again, which looks first",
            ) from error
        except (RuntimeError, ValueError, AssertionError) as error:
            # A redirect to another host, or a header that is no number: PyGithub raises what Python happens to raise.
            raise AnswerUnintelligible(
                f"could not {asked.what}: the answer is not GitHub's", where=asked.where
            ) from error
        return Answer(status, {name: str(value) for name, value in headers.items()}, text.encode())
