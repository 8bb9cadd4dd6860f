"""How a stranger's text is made inert for where it goes: it stays readable, and nothing in it comes alive.

Every function here takes raw text and is applied once, at the sink, by whoever writes there: what is stored and what
travels inside the product is never escaped. Only `gfm_block` keeps line breaks; a value that stands inside a sentence
must not be able to begin a line of its own.

Where a sink has an escape character it is used. Where it has none, or clients disagree about it, an invisible
zero-width space breaks what would come alive (`clean` has removed every one that a stranger sent, so each that is seen
is ours), or a look-alike stands in for a formatting character.
"""

from __future__ import annotations

import re

_ZWSP = "\u200b"


def clean(text: str, limit: int | None = None) -> str:
    r"""The text without what cannot be seen: lone surrogates, control, bidirectional, zero-width and tag characters.

    Line breaks of every kind become `\n`; tabs stay. Longer than `limit` characters it is cut and ends with `…`.
    Emoji that are glued from several fall apart into their parts: the glue also carries hidden messages.
    """
    visible = text if text.isascii() and text.isprintable() else re.sub(HIDDEN, "", re.sub(_LINE_BREAK, "\n", text))
    if limit is None or len(visible) <= limit:
        return visible
    return visible[: limit - 1].rstrip() + "…" if limit > 0 else ""


def one_line(text: str, limit: int | None = None) -> str:
    """The clean text with every run of blanks and line breaks become one space."""
    return clean(" ".join(clean(text).split()), limit)


def gfm(text: str) -> str:
    """One line inside GitHub's Markdown: no mention, reference, closing keyword, link, image, emphasis or HTML."""
    escaped = re.sub(_GFM_LIVE, _broken_up, one_line(text)).translate(_GFM_ESCAPES)
    return re.sub(_GFM_AT_EDGES, r"\g<0>\\", escaped)


def gfm_block(text: str) -> str:
    """Lines of their own inside GitHub's Markdown: a fenced block in which nothing at all is parsed.

    A fence and not a quotation of escaped lines, because it is the one construct in which GitHub promises not to look
    for mentions, references and links, because what people paste (logs, code) keeps its shape, and because it costs
    two lines and not an escape for every second character of a comment whose size is limited. Long lines are wrapped,
    since a fence does not. No line can end the block, nor a fence that a rule's author put around it: then the rest
    would come alive. Stands on lines of its own; empty for an empty text.
    """
    pieces = [part for line in clean(text).strip("\n").split("\n") for part in _wrapped(line.rstrip())]
    lines = [re.sub(_FENCE, rf"\g<0>{_ZWSP}", piece) for piece in pieces]
    if not any(lines):
        return ""
    return "\n".join(("```text", *lines, "```"))


def mrkdwn(text: str) -> str:
    """One line inside Slack's mrkdwn: no ping, no link, disguised or not, no formatting."""
    broken = re.sub(_SLACK_LIVE, _broken, one_line(text))
    return _lookalikes(re.sub("^>", _LOOKALIKES[">"], broken)).translate(_SLACK_ESCAPES)


def teams(text: str) -> str:
    """One line inside the Markdown of Teams (messages, text blocks, facts): no mention, link, formatting or list."""
    broken = re.sub(_TEAMS_LIVE, _broken, one_line(text))
    return _lookalikes(re.sub(_TEAMS_AT_START, _ZWSP, broken))


def plain(text: str) -> str:
    """One line for a terminal or a log: no escape sequence, and nothing that a workflow runner takes for a command."""
    return re.sub(_RUNNER_COMMAND, _spaced, one_line(text))


def address(url: str) -> str:
    """The address if a button may lead there, else nothing: http or https, a plain host, nothing that ends a link."""
    return url if len(url) <= _LONGEST_ADDRESS and re.fullmatch(_ADDRESS, url) else ""


# Patterns are texts here, which `re` compiles when one is first used and keeps: a run that shows nothing pays for none.

# Everything that Unicode calls default-ignorable (DerivedCoreProperties, 17.0), controls, and lone surrogates, which
# no encoder accepts. Written as numbers: the characters themselves cannot be seen in an editor either.
HIDDEN = (
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_LINE_BREAK = "\r\n|[\r\x0b\x0c\x85\u2028\u2029]"


# What GitHub brings alive although Markdown has no part in it, found in the rendered text, so that a backslash does
# not help: https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
# The ends of the text count too: what follows in the template, or in the next value, is unknown here.
_GFM_LIVE = (
    r"@"  # a person, a team, an e-mail address, a commit
    r"|\#(?=\d|$)|(?i:GH)-(?=\d|$)"  # an issue or pull request, also behind owner/repository
    r"|/(?=/|$)|(?i:www)(?=\.|$)"  # an address
    r"|(?<![0-9A-Za-z])[0-9A-Fa-f]{7,}(?![0-9A-Za-z])"  # a commit
)
_SHA_PIECE = 6  # GitHub links a commit from seven digits on


def _broken_up(live: re.Match[str]) -> str:
    found = live[0]
    return _ZWSP.join(found[at : at + _SHA_PIECE] for at in range(0, len(found), _SHA_PIECE)) + _ZWSP


def _broken(live: re.Match[str]) -> str:
    return live[0] + _ZWSP


# Headings and lists begin with these; what follows a `]` or precedes a `[` of the template would make a link of them.
_GFM_AT_EDGES = r"^(?=[-+#=(:])|^\d+(?=[.)])|(?=!$)"
# The dollar sign as an entity: GitHub looks for formulas before Markdown sees a backslash.
_GFM_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "$": "&#36;",
        _ZWSP: "&#8203;",
        **{sign: "\\" + sign for sign in "\\`*_[]|~"},
    }
)
_LINE_WIDTH = 100
_FENCE = r"^[ \t]*(?=```|~~~)"


def _wrapped(line: str) -> list[str]:
    pieces = []
    while len(line) > _LINE_WIDTH:
        cut = line.rfind(" ", _LINE_WIDTH // 2, _LINE_WIDTH + 1)
        cut = _LINE_WIDTH if cut < 0 else cut
        pieces.append(line[:cut].rstrip())
        line = line[cut:].lstrip()
    return [*pieces, line]


# Slack's parse modes also look for bare names and addresses: https://docs.slack.dev/messaging/formatting-message-text
_SLACK_LIVE = r"[@#]|/(?=/|$)|(?i:www)(?=\.|$)"
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

# Clients of Teams bring different Markdown parsers, and none promises an escape character:
# https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format
_TEAMS_LIVE = r"[@<\\]|&(?=[#\w]|$)|\](?=[(\[:]|$)|\{(?=\{|$)|/(?=/|$)|(?i:www)(?=\.|$)"
_TEAMS_AT_START = r"^(?=[-+#>=(]|\d+[.)])"

_FORMATTING = r"[*~`]|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word formats nowhere
_LOOKALIKES = {"*": "∗", "~": "∼", "`": "ˋ", "_": "ˍ", ">": "›"}  # noqa: RUF001 - looking alike is what they are for


def _lookalikes(text: str) -> str:
    return re.sub(_FORMATTING, lambda sign: _LOOKALIKES[sign[0]], text)


# `::name::` at the start of a line and `##[name]` anywhere in it:
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs (seen 2026-11)
_RUNNER_COMMAND = r"^::|##(?=\[|$)"


def _spaced(command: re.Match[str]) -> str:
    return ": :" if command[0] == "::" else "## "


# A host and no user name: `https://github.com@elsewhere.example` leads elsewhere. No sign that ends a Markdown link, a
# Slack link or an attribute. The limit is the lowest of the platforms' (Slack: 3,000).
_ADDRESS = r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&'*+,;=%-]*)?"
_LONGEST_ADDRESS = 3000
