"""A GitHub App as GitHub sees it: whose signature it takes, where it is installed, which tokens and hooks it has."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.github_routes import Reply, Seen, missing

EVERYTHING = {"issues": "write", "pull_requests": "write", "contents": "read", "metadata": "read", "members": "read"}
_OF_ITSELF = re.compile(r"/app/.*|/repos/[^/]+/[^/]+/installation|/repos/[^/]+/[^/]+/hooks/.*")


class FakeApp:
    """`granted` is what the installation's owner agreed to, `now` the clock that signatures are checked against."""

    def __init__(self, now: float, app_id: str = "Iv1.hello") -> None:
        key = rsa.generate_private_key(65537, 2048)
        self.private_key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()
        self.app_id = app_id
        self.now = now
        self.installed = True
        self.granted: dict[str, str] = dict(EVERYTHING)
        self.shown: dict[str, str] | None = None  # what the installation still seems to have been granted
        self.issued: list[str] = []
        self.deliveries: list[dict[str, Any]] = []  # the newest first
        self.sent_again: list[str] = []
        self._public_key = key.public_key()

    def is_asked(self, seen: Seen) -> bool:
        return _OF_ITSELF.fullmatch(seen.path) is not None

    def answer(self, project: str, seen: Seen, bearer: str) -> Reply:
        if "/hooks/" not in seen.path and not self._is_genuine(bearer):
            return Reply(401, {"message": "A JSON web token could not be decoded"})
        if seen.path == f"/repos/{project}/installation":
            shown, self.shown = self.shown, None
            installation = {"id": 77, "permissions": shown or self.granted, "suspended_at": None}
            return Reply(200, installation) if self.installed else missing()
        if seen.path == "/app/installations/77/access_tokens":
            return self._grant(seen.json["permissions"])
        if seen.path.endswith("/deliveries"):
            return self._page(seen)
        if found := re.fullmatch(".*/deliveries/([0-9]+)/attempts", seen.path):
            self.sent_again.append(found[1])
            return Reply(202, {})
        return missing()

    def _is_genuine(self, bearer: str) -> bool:
        try:
            claims = jwt.decode(
                bearer,
                self._public_key,
                ["RS256"],
                options={"verify_exp": False, "verify_iat": False},
                issuer=self.app_id,
            )
        except jwt.PyJWTError:
            return False
        return bool(claims["iat"] <= self.now < claims["exp"] <= claims["iat"] + 600)

    def _grant(self, wanted: dict[str, str]) -> Reply:
        excess = {scope for scope, level in wanted.items() if self.granted.get(scope) not in {"write", level}}
        if excess or not wanted:
            return Reply(422, {"message": "The permissions requested are not granted to this installation."})
        self.issued.append(f"ghs_issued_{len(self.issued)}")
        until = datetime.fromtimestamp(self.now, UTC) + timedelta(hours=1)
        return Reply(
            201, {"token": self.issued[-1], "expires_at": f"{until:%Y-%m-%dT%H:%M:%SZ}", "permissions": wanted}
        )

    def _page(self, seen: Seen) -> Reply:
        start, size = int(seen.query.get("cursor", "v1_0")[3:]), int(seen.query["per_page"])
        more = start + size < len(self.deliveries)
        link = f'<http://github.example{seen.path}?per_page={size}&cursor=v1_{start + size}>; rel="next"'
        return Reply(200, self.deliveries[start : start + size], {"Link": link} if more else {})
