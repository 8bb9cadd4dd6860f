"""Notifications to send, and a search for a secret in everything that an error can show."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from ai_crm.model.change import Later, Notify, Text, change_key
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId, Task, TaskId

T = TypeVar("T")

ITEM = ItemRef(PlatformName.GITHUB, "octocat/hello-world", ItemKind.ISSUE, "42")
RULE = RuleId("bug-triage")
URL = "https://github.com/octocat/hello-world/issues/42"


async def inline(work: Callable[[], T]) -> T:
    """The Offload of a test: at once."""
    return work()


def task(title: str = "Spelling error in the README file", url: str = URL) -> Task:
    return Task(id=TaskId("AICRM-42"), rule=RULE, item=ITEM, title=title, url=url, version=1)


def notice(
    platform: PlatformName, target: str, *parts: str | Later, tasks: tuple[Task, ...] = (), generation: str = ""
) -> Notify:
    return Notify(
        key=change_key(RULE, ITEM, "notify", generation),
        rule=RULE,
        item=ITEM,
        because="the rule says so",
        platform=platform,
        target=target,
        text=Text(parts),
        tasks=tasks,
    )


def shows(error: BaseException, secret: str) -> bool:
    """Whether the secret is in what a log would hold of an error, or a piece of it, in any usual disguise."""
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args) + repr(vars(error))
    raw = secret.encode()
    offsets = (base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in range(3))
    forms = (quote(secret, safe=""), raw.hex(), json.dumps(secret)[1:-1], secret[::-1], *offsets)
    pieces = (secret[at : at + 12] for at in range(max(1, len(secret) - 11)))
    return any(form in told for form in (*forms, *pieces))


# What strangers write so that a chat pings, links or hides something. Each is wrapped by what a template may say.
HOSTILE = (
    "<!channel> <!here> <!everyone> <!here|here>",
    "<!subteam^S012AB3CD> <!subteam^S012AB3CD|@team>",
    "<@U0ANN> <@U0ANN|ann> <#C0DEV> <#C0DEV|dev-team>",
    "<https://evil.example|https://bank.example>",
    "&lt;!channel&gt; &amp;lt;!channel&amp;gt;",
    "@channel @here @everyone @ann #dev-team",
    "https://evil.example www.evil.example evil.example/path",
    "<mailto:a@evil.example|write> <tel:1> <javascript:alert(1)|x>",
    "*bold* _italic_ ~gone~ `code` ```block```",
    "> quoted\n>>> all of it",
    "<at>Ann</at> <at id='0'>Everyone</at>",
    "[bank.example](https://evil.example) ![x](https://evil.example/beacon.png)",
    "[x](javascript:alert(1)) <a href='https://evil.example'>x</a> <img src=x onerror=alert(1)>",
    "{{DATE(2020-01-01T00:00:00Z,SHORT)}} ${title} {task.id}",
    "# heading\n- list\n1. one\n| a | b |\n",
    "\u202egnp.exe \u200b\u2066hidden\u2069 \u0000\u001b[31mred",
    "<" * 50 + "!channel" + ">" * 50,
    "<\n!channel\n>",
    "<!chan\u200bnel> <\u200b!channel>",
)
