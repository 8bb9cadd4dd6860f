"""A small Microsoft: the login that hands out tokens, the Bot Connector that wants them and signs what it sends, and what
Teams would bring alive.
"""

from __future__ import annotations

import functools
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import parse_qs, unquote

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from markdown_it import MarkdownIt
from msgspec import Struct

from ai_crm.platforms.teams import BotAccount
from tests.doubles.loopback import Loopback, Reply, Request, json_reply

APP = "0f8fad5b-d9cb-469f-a165-70867728950e"
TENANT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PASSWORD = "canary~Q8aB3.xYz_0123456789"
ACCOUNT = BotAccount(app_id=APP, password=PASSWORD, tenant=TENANT)

CHANNEL = "19:5d1c2b3a4f@thread.tacv2"
GROUP = "19:meeting_ZmFrZS1tZWV0aW5nLWlk@thread.v2"
ANN = "29:1aBcDeFgHiJkLmNoP"
BOB, GUEST, PARTNER = "29:1bob", "29:1guest", "29:1partner"
PEOPLE = {
    ANN: {"name": "Ann Lee", "aadObjectId": "11111111-1111-4111-8111-111111111111", "tenantId": TENANT},
    BOB: {"name": "bob", "aadObjectId": "22222222-2222-4222-8222-222222222222", "tenantId": TENANT},
    GUEST: {
        "name": "gus",
        "aadObjectId": "33333333-3333-4333-8333-333333333333",
        "tenantId": TENANT,
        "userRole": "guest",
    },
    PARTNER: {"name": "pam", "aadObjectId": "44444444-4444-4444-8444-444444444444", "tenantId": APP},
}
ISSUER = "https://api.botframework.com"

CHAT = "a:chat-between-the-bot-and-ann"
_PATH = re.compile(r"/v3/conversations/([^/]+)/activities(?:/([^/]+))?")
_BARE = re.compile(r"https?://|www\.")
_MARKDOWN = MarkdownIt("commonmark").enable("strikethrough")
_ALIVE = (
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "heading_open",
    "strong_open",
    "em_open",
    "code_inline",
    "fence",
)


@functools.cache
def key_pair(name: str, bits: int = 2048) -> RSAPrivateKey:
    """The same key for the same name, as long as the tests run."""
    assert name
    return generate_private_key(65537, bits)


class Published(Struct, frozen=True):
    """A key as the connector publishes it."""

    private: RSAPrivateKey
    endorsements: tuple[str, ...] = ("msteams",)

    def jwk(self, kid: str) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": kid, "use": "sig", "endorsements": list(self.endorsements)}


class TeamsServer:
    """Both services on one address. What stands in `scripted` is answered first by the connector, one reply a request."""

    def __init__(self, *, expires_in: float = 3600) -> None:
        self.activities: list[tuple[str, dict[str, Any]]] = []
        self.updates: list[tuple[str, dict[str, Any]]] = []
        self.gone: set[str] = set()
        self.scripted: deque[Reply] = deque()
        self.logins: deque[Reply] = deque()
        self.tokens: list[str] = []
        self.revoked: set[str] = set()
        self.published = {"key-1": Published(key_pair("one"))}
        self.openid: deque[Reply] = deque()
        self.documents: dict[str, Callable[[], object]] = {}  # what else is published here, by its path
        self.resources: set[str] = set()
        self.people: dict[str, dict[str, str]] = {id_: {"id": id_, **said} for id_, said in PEOPLE.items()}
        # Where the app is registered, each person's own chat with it, and who is in which conversation.
        self.authority = TENANT
        self.chats = {(TENANT, ANN): CHAT}
        self.rosters: dict[str, tuple[str, ...]] = {CHANNEL: (ANN, BOB), GROUP: (ANN, BOB), CHAT: (ANN,)}
        self.registered = ""
        self.seen: set[str] = set()
        self._expires_in = expires_in
        self._loopback = Loopback(self._answer)

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loopback.__exit__()

    @property
    def url(self) -> str:
        return self._loopback.url

    @property
    def requests(self) -> list[Request]:
        return self._loopback.requests

    @property
    def sent(self) -> list[Request]:
        """What the connector was asked."""
        return [request for request in self.requests if request.path.startswith("/v3/")]

    @property
    def looked_up(self) -> int:
        """How often somebody asked for the keys."""
        return sum(request.path.endswith("/keys") for request in self.requests)

    def token(self, kid: str = "key-1", **claims: Any) -> str:
        """What the connector shows with a call; `claims` are other than usual, and None leaves one out."""
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": APP, "nbf": now - 10, "exp": now + 3600, "serviceurl": f"{self.url}/"}
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(said, self.published[kid].private, "RS256", {"kid": kid})

    def _answer(self, request: Request) -> Reply:
        if request.path in self.documents:
            return json_reply(self.documents[request.path]())
        if "/.well-known/" in request.path:
            return self._metadata(request)
        if request.path.endswith("/oauth2/v2.0/token"):
            return self.logins.popleft() if self.logins else self._login(request)
        if self.scripted:
            return self.scripted.popleft()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or token in self.revoked:
            return refusal(401, "Unauthorized")
        if request.path == "/v3/conversations":
            return self._open(request.json())
        if "/pagedmembers?" in request.path:
            return self._roster(unquote(request.path.split("/")[3]), request.path)
        if "/members/" in request.path:
            _, _, conversation, _, person = unquote(request.path).removeprefix("/").split("/")
            return self._member(conversation, person)
        return self._send(request)

    def _metadata(self, request: Request) -> Reply:
        if self.openid:
            return self.openid.popleft()
        if request.path.endswith("/keys"):
            return json_reply({"keys": [key.jwk(kid) for kid, key in self.published.items()]})
        return json_reply({"issuer": ISSUER, "jwks_uri": f"{self.url}/v1/.well-known/keys"})

    def _member(self, conversation: str, person: str) -> Reply:
        if conversation.partition(";")[0] not in self.rosters:
            return refusal(403, "BotNotInConversationRoster")
        known = self.people.get(person)
        return json_reply(known) if known else refusal(404, "MemberNotFoundInConversation")

    def _roster(self, conversation: str, path: str) -> Reply:
        """A page holds one, so that whoever asks has to go on."""
        if conversation not in self.rosters:
            return refusal(404, "ConversationNotFound")
        at = int(path.partition("continuationToken=")[2] or 0)
        members = self.rosters[conversation]
        more = {"continuationToken": str(at + 1)} if at + 1 < len(members) else {}
        return json_reply({"members": [self.people[each] for each in members[at : at + 1]], **more})

    def _login(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if request.path != f"/{self.authority}/oauth2/v2.0/token":
            return denial(90002)
        if form["client_id"] != APP:
            return denial(700016)
        if "client_assertion" in form:
            if not self._is_signed(form, f"{self.url}{request.path}"):
                return denial(700027)
        elif form["client_secret"] != PASSWORD:
            return denial(7000215)
        assert form["grant_type"] == "client_credentials"
        if form["scope"].startswith("api://") and form["scope"].removesuffix("/.default") not in self.resources:
            return denial(500011)
        assert form["scope"].startswith("api://") or form["scope"] == "https://api.botframework.com/.default"
        self.tokens.append(f"eyJ0-canary-token-number-{len(self.tokens)}")
        return json_reply({"token_type": "Bearer", "expires_in": self._expires_in, "access_token": self.tokens[-1]})

    def _is_signed(self, form: Mapping[str, str], audience: str) -> bool:
        """Whether the registered certificate's key made this assertion, for this login, once."""
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        token = form["client_assertion"]
        if jwt.get_unverified_header(token).get("x5t#S256") != self.registered:
            return False
        said = jwt.decode(token, key_pair("certificate").public_key(), ["PS256"], audience=audience, issuer=APP)
        fresh = said["jti"] not in self.seen
        self.seen.add(said["jti"])
        return fresh and said["sub"] == APP and said["exp"] - said["nbf"] <= 600

    def _open(self, wanted: Mapping[str, Any]) -> Reply:
        tenants = {tenant for tenant, _ in self.chats}
        if wanted["tenantId"] not in tenants or wanted["bot"] != {"id": f"28:{APP}"} or wanted["isGroup"]:
            return refusal(400, "BadArgument")
        chats = [self.chats.get((wanted["tenantId"], each["id"])) for each in wanted["members"]]
        if len(chats) != 1 or chats[0] is None:
            return refusal(403, "MessageWritesBlocked")
        return json_reply({"id": chats[0], "serviceUrl": self.url}, 201)

    def _send(self, request: Request) -> Reply:
        found = _PATH.fullmatch(request.path)
        conversation = unquote(found[1]) if found else ""
        if conversation.partition(";messageid=")[0] not in self.rosters:
            return refusal(404, "ConversationNotFound")
        activity = request.json()
        if activity["type"] != "message" or not (activity.get("text", "").strip() or activity.get("attachments")):
            return refusal(400, "BadSyntax")
        message = found[2] if found else None
        if request.method == "PUT":
            if message in self.gone or message not in {
                f"17000000000{n:02}" for n in range(1, len(self.activities) + 1)
            }:
                return refusal(404, "ActivityNotFoundInConversation")
            self.updates.append((str(message), activity))
            return json_reply({"id": message})
        self.activities.append((conversation, activity))
        return json_reply({"id": f"17000000000{len(self.activities):02}"}, 201)


def refusal(status: int, code: str, **headers: str) -> Reply:
    return json_reply({"error": {"code": code, "message": "in words that may change"}}, status, **headers)


def denial(code: int) -> Reply:
    body = {"error": "invalid_request", "error_description": f"AADSTS{code}: in words", "error_codes": [code]}
    return json_reply(body, 401 if code == 7000215 else 400)


def alive(activity: Mapping[str, Any]) -> list[str]:
    """What Teams would ping, link, load or format when it shows this message."""
    found = [str(entity) for entity in activity.get("entities", ())]
    for text in (activity.get("text", ""), *_texts(activity.get("attachments", ()))):
        found += _BARE.findall(text)
        for token in _MARKDOWN.parse(text):
            found += [each.type for each in (token, *(token.children or ())) if each.type in _ALIVE]
    return found


def _texts(part: Any) -> Iterator[str]:
    """Every text of a card that is read as Markdown: of text blocks and facts, not of text runs."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        if part.get("type") == "TextBlock":
            yield part["text"]
        for fact in part.get("facts", ()):
            yield from (fact["title"], fact["value"])
        for value in part.values():
            yield from _texts(value)
