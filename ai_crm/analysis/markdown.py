"""What of a Markdown text is its writer's own prose, and which marks code, quotes, links and forms leave on it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, structs

# Images, tags, links and mentions; each part is bounded or fails at once, so that hostile text costs no more time.
_UNWRITTEN = re.compile(
    r"!\[[^\[\]]{0,200}\]\([^()\s]{0,500}\)|<[/a-z!][^<>]{0,200}>|https?://\S+|www\.\S+|(?<!\w)@[\w/-]+"
)
_ITEM = re.compile(r"(?:[-*+]|\d{1,3}[.)])\s+(?P<box>\[[ x]\]\s+)?")
_TAG = re.compile(r"</?[a-z][^<>]{0,40}>")
_FENCES = ("```", "~~~")
# Quotes are somebody else's words, the rows of tables mostly a program's.
_FOREIGN = (">", "|")
_DECORATION = " #*_:-=>|.!?`~\t()[]"
_FILE_EDGES = "()[]{}<>,;:'\"*`!?."
# The longest answer to a form's question for the kind of issue, in characters.
_ANSWER = 60


class Forms(Struct, frozen=True):
    """The standing phrases of issue forms, folded: headings with the kind of form they belong to, instructions, traces.

    `traces` maps how the first line of a stack trace begins to the language it belongs to, "" for any. `within` are
    words that give a heading away that no list has as a whole; `asking` are headings and fields that ask for the kind
    of issue.
    """

    headings: Mapping[str, str]
    instructions: tuple[str, ...]
    traces: Mapping[str, str]
    within: Mapping[str, str] = {}
    asking: frozenset[str] = frozenset()

    def kind_of(self, heading: str, *, known: bool) -> str | None:
        """The kind of form that a line belongs to, "" for any; without `known` its words are looked at, too."""
        kind = self.headings.get(heading)
        if kind is not None or known:
            return kind
        spaced = f" {heading}"
        return next((kind for words, kind in self.within.items() if f" {words}" in spaced), None)


class Marks(Struct, frozen=True, kw_only=True):
    """What a text shows beside its words. `forms` are kinds of forms whose headings were seen, in order.

    `answers` are what a form's own question for the kind of issue was answered with, as it was written.
    `traces` are the languages of its stack traces, `fences` those named at its code blocks, `files` the names of
    files it mentions, without their folders.
    """

    code_blocks: int = 0
    checklist: int = 0
    list_items: int = 0
    headings: int = 0
    forms: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def with_files(self, files: tuple[str, ...]) -> Marks:
        return structs.replace(self, files=tuple(dict.fromkeys((*files, *self.files))))


class Prose(Struct, frozen=True):
    """`text` is what was written, `code` the pieces of code inside it."""

    text: str
    code: str
    marks: Marks


def read_line(folded: str) -> Prose:
    """A title: one line, in which only links and code are set apart."""
    reader = _Reader(Forms({}, (), {}))
    reader.prose(" ".join(folded.split()))
    return reader.read()


def read_text(folded: str, forms: Forms) -> Prose:
    """A body. Time grows with its length and no faster."""
    reader = _Reader(forms)
    for line in folded.split("\n"):
        reader.line(line)
    return reader.read()


class _Reader:
    """Walks over lines; what it is inside of (a comment, a code block, a list) is all it remembers of them."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._trace_starts = tuple(forms.traces)
        self._fence = ""
        self._comment = False
        self._blank = True
        self._indented_code = False
        self._in_list = False
        self._asked = self._ticking = False
        self._text: list[str] = []
        self._code: list[str] = []
        self._code_blocks = self._checklist = self._list_items = self._headings = 0
        # Dictionaries as sets that keep their order.
        self._form_kinds: dict[str, None] = {}
        self._answers: dict[str, None] = {}
        self._traces: dict[str, None] = {}
        self._fences: dict[str, None] = {}
        self._files: dict[str, None] = {}

    def read(self) -> Prose:
        marks = Marks(
            code_blocks=self._code_blocks,
            checklist=self._checklist,
            list_items=self._list_items,
            headings=self._headings,
            forms=tuple(self._form_kinds),
            answers=tuple(self._answers),
            traces=tuple(self._traces),
            fences=tuple(self._fences),
            files=tuple(self._files),
        )
        return Prose("\n".join(self._text), "\n".join(self._code), marks)

    def line(self, line: str) -> None:
        bare = line.strip()
        if self._fence:
            self._inside_fence(bare)
        elif bare.startswith(_FENCES) and not self._comment and bare[:3] not in bare[3:]:
            self._open_fence(bare)
        else:
            self._outside(line)

    def prose(self, line: str) -> None:
        """One line of prose, without what nobody wrote as words."""
        line = _UNWRITTEN.sub(" , ", line)
        if "." in line:
            self._note_files(line)
        if "`" in line:
            pieces = line.split("`")
            self._code.extend(pieces[1::2])
            line = " , ".join(pieces[::2])
        self._text.append(line)

    def _open_fence(self, bare: str) -> None:
        self._fence = bare[:3]
        self._code_blocks += 1
        language = bare.strip("`~ ").split(" ", 1)[0]
        if language:
            self._fences[language] = None
        self._text.append("")

    def _inside_fence(self, bare: str) -> None:
        if bare.startswith(self._fence) and not bare.strip("`~"):
            self._fence = ""
        else:
            self._note_trace(bare)

    def _outside(self, line: str) -> None:
        line = self._without_comments(line)
        bare = line.strip()
        if self._is_indented_code(line, bare) or self._note_trace(bare) or not bare or bare.startswith(_FOREIGN):
            self._text.append("")
        else:
            self._written(bare)
        self._blank = not bare

    def _written(self, bare: str) -> None:
        item = _ITEM.match(bare)
        self._in_list = item is not None or (self._in_list and not self._blank)
        content = bare[item.end() :] if item else bare
        box = item["box"] if item else None
        heading = _is_heading(bare)
        if self._is_answer(content, box, heading=heading) or self._is_form(content, heading=heading, box=bool(box)):
            self._text.append("")
            return
        if item:
            if item["box"]:
                self._checklist += 1
            else:
                self._list_items += 1
            self._text.append("")
        elif bare.startswith("#"):
            self._headings += 1
            self._text.append("")
        self.prose(content)
        if bare.startswith("#"):
            self._text.append("")

    def _is_answer(self, content: str, box: str | None, *, heading: bool) -> bool:
        """Whether a line asks for the kind of issue (`### Issue type`, `Type: bug`) or answers that."""
        asked, self._asked = self._asked and not heading, False
        ticking, self._ticking = self._ticking and box is not None, False
        name, _, answer = _plain(content).partition(":")
        if (asked or ticking) and len(content) <= _ANSWER:
            self._ticking = box is not None
            if not box or "x" in box:
                self._answers[name] = None
            return True
        if name.rstrip() not in self._forms.asking:
            return False
        self._asked = not answer
        if answer and len(answer) <= _ANSWER:
            self._answers[answer.strip()] = None
        return True

    def _is_form(self, content: str, *, heading: bool, box: bool) -> bool:
        plain = _plain(content)
        kind = self._forms.kind_of(plain, known=not heading)
        if kind is not None:
            self._form_kinds[kind] = None
            return True
        if heading and content.rstrip(" *_:").endswith("?"):
            return True
        return plain.startswith(self._forms.instructions) or (box and plain.startswith(("i ", "i've ")))

    def _is_indented_code(self, line: str, bare: str) -> bool:
        deep = bool(bare) and line.startswith(("    ", "\t"))
        starts = deep and self._blank and not self._in_list
        if starts and not self._indented_code:
            self._code_blocks += 1
        self._indented_code = starts or (self._indented_code and (deep or not bare))
        return self._indented_code

    def _note_trace(self, bare: str) -> bool:
        if bare.startswith(self._trace_starts):
            start = next(start for start in self._trace_starts if bare.startswith(start))
            self._traces[self._forms.traces[start]] = None
            return True
        if bare.startswith("at ") and bare.endswith(")") and bare[:-1].rpartition(":")[2].isdigit():
            self._traces[""] = None
            self._note_files(bare.replace("(", " "))
            return True
        return False

    def _note_files(self, line: str) -> None:
        for piece in line.split():
            name = piece.strip(_FILE_EDGES).rstrip("0123456789:").rpartition("/")[2]
            if "." in name and len(name) < 100:
                self._files[name] = None

    def _without_comments(self, line: str) -> str:
        if not self._comment and "<!--" not in line:
            return line
        kept: list[str] = []
        while line:
            before, mark, after = line.partition("-->" if self._comment else "<!--")
            if not self._comment:
                kept.append(before)
            if mark:
                self._comment = not self._comment
            line = after
        return " ".join(kept)


def _is_heading(bare: str) -> bool:
    return bare.startswith("#") or (bare.startswith("**") and bare.rstrip(": ").endswith("**"))


def _plain(content: str) -> str:
    """A line as the lists of forms have it: without marks, tags and its number."""
    return " ".join(_TAG.sub("", content).replace("*", "").strip(_DECORATION).lstrip("0123456789. ").split())
