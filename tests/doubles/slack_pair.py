"""Two Slack workspaces behind one API, as the app sees several that installed it: each token knows its own and no other."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack_workspace import BOT, SlackWorkspace

Document = dict[str, Any]

GLOBEX, GLOBEX_TOKEN = "T0GLOBEX", "xoxb-of-globex-canary"
GINA = "U0GINA"
# Both have a channel that is called #dev; #sales is Globex's alone.
GLOBEX_DEV, SALES = "C0GLOBEXDEV", "C0SALES"
_CHANNELS = {GLOBEX_DEV: "dev", SALES: "sales"}


class SlackPair(SlackWorkspace):
    """The usual workspace and Globex. What the bot writes in Globex is in `over_there`, and not in `messages`."""

    def __init__(self) -> None:
        super().__init__()
        self.over_there: list[Document] = []
        self.uninstalled = False

    def _answer(self, method: str, token: str, asked: Document) -> Document:
        if self.tokens.get(token) != GLOBEX:
            return super()._answer(method, token, asked)
        if self.uninstalled:
            return {"ok": False, "error": "account_inactive"}
        match method:
            case "auth.test":
                return {"ok": True, "team_id": GLOBEX, "team": "Globex", "user": "ai-crm", "user_id": BOT}
            case "users.info":
                user = {"id": GINA, "team_id": GLOBEX, "name": "gina", "profile": {"display_name": "Gina"}}
                return {"ok": True, "user": user} if asked["user"] == GINA else _refusal("user_not_found")
            case "conversations.info":
                return {"ok": True, "channel": {}} if asked["channel"] in _CHANNELS else _refusal("channel_not_found")
            case "conversations.list":
                return {"ok": True, "channels": [{"id": id_, "name": name} for id_, name in _CHANNELS.items()]}
            case "chat.postMessage":
                return self._posted(asked)
            case "chat.update":
                return self._updated(asked)
            case _:
                return super()._answer(method, token, asked)

    def _posted(self, asked: Document) -> Document:
        place = {"#dev": GLOBEX_DEV, "#sales": SALES, GINA: "D0GINA"}.get(asked["channel"], asked["channel"])
        if place not in {*_CHANNELS, "D0GINA"}:
            return _refusal("channel_not_found")
        message = {**asked, "channel": place, "ts": self._ts()}
        self.over_there.append(message)
        return {"ok": True, "channel": place, "ts": message["ts"], "message": message}

    def _updated(self, asked: Document) -> Document:
        for each in self.over_there:
            if (each["channel"], each["ts"]) == (asked["channel"], asked["ts"]):
                each.update({"text": asked.get("text", ""), "blocks": asked.get("blocks", []), "edited": True})
                return {"ok": True, "channel": asked["channel"], "ts": asked["ts"]}
        return _refusal("message_not_found")


def _refusal(error: str) -> Document:
    return {"ok": False, "error": error}
