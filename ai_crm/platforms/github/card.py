"""How the one card of an item is found, claimed and kept, although several runs may try at the same moment.

GitHub has no "create unless it exists". So whoever creates a card lists once more: the earliest card counts, everybody
who made a later one takes it back and adds to the earliest what it lacks.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec import Struct

from ai_crm.cards.state import State, card_mark, read_state
from ai_crm.cards.sticky import sticky_body
from ai_crm.errors import Conflict, CredentialsRefused, ItemMissing, Unsupported
from ai_crm.model.change import Applied, Outcome, ShowCard
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId, Task, TaskId
from ai_crm.platforms.github import encode
from ai_crm.platforms.github.reader import Comment, read_comment, read_issue
from ai_crm.platforms.github.session import THREADED, Session, to_write
from ai_crm.ports import FoundCard

_ROUNDS = 3  # two runs that write over each other agree in the second


class Home(Protocol):
    """Where the card of one item lives. Everything here blocks and raises UpstreamError."""

    def find(self, *, again: bool) -> Comment | None:
        """The earliest card that we left; `again` means: as GitHub has it now, not as it was read before."""
        ...

    def read(self, identity: str) -> Comment: ...

    def create(self, change: ShowCard, body: str) -> Comment: ...

    def replace(self, card: Comment, change: ShowCard, body: str) -> Comment: ...

    def withdraw(self, card: Comment, winner: Comment) -> None: ...


class _Known(Struct, frozen=True):
    """What this delivery knows of an item's card.

    `written` when the last it knows is what it wrote itself, `fresh` when it was read again to write it now.
    """

    card: Comment | None
    written: bool = False
    fresh: bool = False


class Cards:
    """The cards that one delivery reads and shows. Implements what `GitHub` promises as ports.CardReader."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[ItemRef, _Known] = {}

    def read(self, item: ItemRef) -> FoundCard | None:
        """The card as it is now: read once, and once more after each time that we wrote it."""
        card = self._current(item)
        if card is None:
            return None
        state = _state(card)
        return FoundCard(where=card.id, url=card.url, tasks=state.tasks, applied=state.applied)

    def thread(self, item: ItemRef) -> ItemRef:
        """What people can talk under: the item itself, or the issue that is its card. Raises Unsupported for neither."""
        if item.kind in THREADED:
            return item
        known = self._known.get(item)
        card = known.card if known else self._current(item)
        if card is None:
            raise Unsupported(
                f"a {item.kind} cannot be commented, labelled or assigned on GitHub",
                where=str(item),
                hint="Let the rule create a task: the issue that shows it can",
            )
        return ItemRef(PlatformName.GITHUB, item.project, ItemKind.ISSUE, card.id)

    def show(self, change: ShowCard) -> Applied:
        home = self._home(change.item)
        known = self._known.get(change.item)
        card = self._card_at(change.where, change.item) if change.where else self._current(change.item)
        ours = State(change.tasks, change.applied)
        if card and known and not self._known[change.item].fresh and not _shows(card, change.item, ours):
            card = self._reread(change.item, card.id)
        if card is None:
            return self._claim(change, home)
        if known is None or known.card is None or known.card.body == card.body:
            return self._update(change, home, card, ours)
        # What another run wrote since the decision read the card is unknown to our store: it must not be lost.
        base, theirs = _state(known.card), _state(card)
        created = {task.rule for task in theirs.tasks} - {task.rule for task in base.tasks}
        lost = tuple(task.rule for task in change.tasks if task.rule in created)
        return self._update(change, home, card, _reconciled(base, theirs, ours), lost)

    def _home(self, item: ItemRef) -> Home:
        if item.kind in THREADED:
            return _CommentHome(self._session, item)
        return _IssueHome(self._session, item)

    def _current(self, item: ItemRef) -> Comment | None:
        known = self._known.get(item)
        if known is None:
            looked_for = None if item in self._session.setup.fresh else self._home(item).find(again=False)
            return self._keep(item, looked_for)
        if known.card is None or not known.written:
            return known.card
        return self._reread(item, known.card.id)

    def _card_at(self, where: str, item: ItemRef) -> Comment | None:
        """The card at an address that a store remembered, without looking through everything for it."""
        known = self._known.get(item)
        if known and known.card and known.card.id == where:
            return self._current(item)
        return self._reread(item, where)

    def _reread(self, item: ItemRef, identity: str) -> Comment | None:
        """The card at an address. Anybody with a key can have named one: what is no card of ours is never written over."""
        home = self._home(item)
        try:
            card = home.read(identity)
        except ItemMissing:  # somebody deleted it
            card = None
        is_card = card is not None and card.is_ours and card.first_line == card_mark(item)
        return self._keep(item, card if is_card else home.find(again=True), fresh=True)

    def _keep(
        self, item: ItemRef, card: Comment | None, *, written: bool = False, fresh: bool = False
    ) -> Comment | None:
        self._known[item] = _Known(card, written, fresh)
        return card

    def _update(
        self, change: ShowCard, home: Home, card: Comment, wanted: State, lost: tuple[RuleId, ...] = ()
    ) -> Applied:
        """Writes what the card shall hold. Where that is not what our store knows, it is told that it yielded."""
        outcome, shown = Outcome.ALREADY, card
        if not _shows(card, change.item, wanted):
            shown = home.replace(card, change, sticky_body(change.item, wanted.tasks, wanted.applied))
            outcome = Outcome.DONE
        alone = wanted == State(change.tasks, change.applied)
        self._keep(change.item, shown, written=alone and outcome is Outcome.DONE)
        return Applied(
            key=change.key,
            outcome=outcome if alone else Outcome.YIELDED,
            where=shown.id,
            url=shown.url,
            detail="" if alone else "another run wrote the card meanwhile; it holds what both did",
            yielded=lost,
        )

    def _claim(self, change: ShowCard, home: Home) -> Applied:
        own = home.create(change, sticky_body(change.item, change.tasks, change.applied))
        if not own.is_ours:
            home.withdraw(own, own)
            raise CredentialsRefused(
                f"cards by {own.author.login} could not be told from a stranger's",
                where=change.item.project,
                hint="Use the workflow's own token, an app's, or one of a member of the repository",
            )
        first = home.find(again=True)
        if first is None or first.id == own.id:  # a list may lag behind what was just created
            self._keep(change.item, own, written=True)
            return Applied(key=change.key, outcome=Outcome.DONE, where=own.id, url=own.url)
        home.withdraw(own, first)
        return self._yield(change, home, first)

    def _yield(self, change: ShowCard, home: Home, first: Comment) -> Applied:
        """Another run was earlier: its tasks stay as they are, ours are added where it has none."""
        theirs = {task.rule for task in _state(first).tasks}
        shown = self._merged(change, home, first)
        return Applied(
            key=change.key,
            outcome=Outcome.YIELDED,
            where=shown.id,
            url=shown.url,
            detail="another run was first; its card holds our tasks too",
            yielded=tuple(dict.fromkeys(task.rule for task in change.tasks if task.rule in theirs)),
        )

    def _merged(self, change: ShowCard, home: Home, card: Comment) -> Comment:
        """The card once it holds our tasks; looked at after each writing, because others may write over it.

        Raises Conflict when others always do.
        """
        for _ in range(_ROUNDS + 1):
            state = _state(card)
            tasks = _added(state.tasks, change.tasks)
            if tasks == state.tasks:
                self._keep(change.item, card)
                return card
            home.replace(card, change, sticky_body(change.item, tasks, state.applied))
            card = home.read(card.id)
        raise Conflict(
            "other runs wrote over the card each time that our tasks were added to it",
            where=str(change.item),
            hint="Run it again; `concurrency:` in the workflow queues the runs of one item",
        )


class _CommentHome:
    """A comment under the item."""

    def __init__(self, session: Session, item: ItemRef) -> None:
        self._session = session
        self._item = item

    def find(self, *, again: bool) -> Comment | None:
        mark = card_mark(self._item)
        thread = self._session.comments(self._item, again=again)
        return thread.first(lambda comment: comment.is_ours and comment.first_line == mark)

    def read(self, identity: str) -> Comment:
        return self._session.read.comment(self._item.project, identity)

    def create(self, change: ShowCard, body: str) -> Comment:  # noqa: ARG002 - a comment has neither title nor labels
        request = encode.create_comment(self._item.project, self._item.id, body)
        return read_comment(self._session.send(request, to_write(self._item, "comment")))

    def replace(self, card: Comment, change: ShowCard, body: str) -> Comment:  # noqa: ARG002 - as above
        request = encode.update_comment(self._item.project, card.id, body)
        return read_comment(self._session.send(request, to_write(self._item, "update the card")))

    def withdraw(self, card: Comment, winner: Comment) -> None:  # noqa: ARG002 - a deleted comment needs no pointer
        request = encode.delete_comment(self._item.project, card.id)
        self._session.send(request, to_write(self._item, "take back a second card"))


class _IssueHome:
    """An issue of its own, for what has no thread: a release, a push, a discussion."""

    def __init__(self, session: Session, item: ItemRef) -> None:
        self._session = session
        self._item = item

    def find(self, *, again: bool) -> Comment | None:  # noqa: ARG002 - issues are never kept
        mark, label = card_mark(self._item), self._session.setup.card_label
        for page in self._session.read.issues_labelled(self._item.project, label):
            cards = [issue for issue in page if issue.is_ours and issue.first_line == mark]
            if cards:
                return min(cards, key=lambda card: int(card.id))
        return None

    def read(self, identity: str) -> Comment:
        return self._session.read.issue(self._item.project, identity)

    def create(self, change: ShowCard, body: str) -> Comment:
        title = change.tasks[0].title if change.tasks else str(change.item)
        labels = tuple(dict.fromkeys((self._session.setup.card_label, *change.labels)))
        request = encode.create_issue(self._item.project, title, body, labels)
        return read_issue(self._session.send(request, to_write(self._item, "open an issue for the task")))

    def replace(self, card: Comment, change: ShowCard, body: str) -> Comment:
        missing = tuple(label for label in change.labels if label not in card.labels)
        labels = (*card.labels, *missing) if missing else ()
        request = encode.update_issue(self._item.project, card.id, body, labels)
        return read_issue(self._session.send(request, to_write(self._item, "update the card")))

    def withdraw(self, card: Comment, winner: Comment) -> None:
        request = encode.close_as_duplicate(self._item.project, card.id, winner.id)
        self._session.send(request, to_write(self._item, "close a second card"))


def _state(card: Comment) -> State:
    """What the card remembers; nothing where somebody edited its hidden half away."""
    return read_state(card.body) or State(tasks=(), applied=())


def _shows(card: Comment, item: ItemRef, wanted: State) -> bool:
    """Whether the card reads like that already, whatever an editor did to its line ends."""
    return sticky_body(item, wanted.tasks, wanted.applied).rstrip() == card.body.replace("\r\n", "\n").rstrip()


def _reconciled(base: State, theirs: State, ours: State) -> State:
    """Their state with what ours changed since `base`, from which both come. Of tasks that both created, theirs."""
    was, new = ({task.rule: task for task in state.tasks} for state in (base, ours))
    tasks = tuple(
        _both(was[task.rule], task, new[task.rule]) if task.rule in was and task.rule in new else task
        for task in theirs.tasks
    )
    return State(_added(tasks, ours.tasks), tuple(dict.fromkeys((*theirs.applied, *ours.applied))))


def _both(was: Task, theirs: Task, ours: Task) -> Task:
    """Their task with the fields that we changed, and with what both did in its history."""
    changed = {
        field: getattr(ours, field) for field in Task.__struct_fields__ if getattr(ours, field) != getattr(was, field)
    }
    if theirs.seen_at and ours.seen_at and theirs.seen_at > ours.seen_at:
        changed.pop("seen_at", None)
    changed["version"] = theirs.version + ours.version - was.version
    changed["history"] = (*theirs.history, *ours.history[len(was.history) :])
    return msgspec.structs.replace(theirs, **changed)


def _added(theirs: tuple[Task, ...], ours: tuple[Task, ...]) -> tuple[Task, ...]:
    """Their tasks and behind them those that only we have, under numbers that they have not given yet."""
    merged, known_rules = list(theirs), {task.rule for task in theirs}
    for task in ours:
        if task.rule not in known_rules:
            number = _free(task.id, {known.id for known in merged})
            merged.append(msgspec.structs.replace(task, id=number))
    return tuple(merged)


def _free(wanted: TaskId, taken: set[TaskId]) -> TaskId:
    """`AICRM-42-2` where `AICRM-42` is taken: both runs thought that theirs was the item's first."""
    stem = "-".join(wanted.split("-")[:2])
    numbered = (TaskId(f"{stem}-{count}") for count in range(2, len(taken) + 3))
    return next(number for number in (wanted, *numbered) if number not in taken)
