"""The activity that a notification becomes."""

from __future__ import annotations

import msgspec
import pytest

from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.encode import MOST_TEXT, Conversation, Person, activity, receiver
from tests.doubles.notices import notice, task

TEAMS = PlatformName.TEAMS


@pytest.mark.parametrize(
    "target",
    [
        "19:5d1c2b3a4f@thread.tacv2",
        "19:5d1c2b3a4f@thread.tacv2;messageid=1700000000001",
        "19:meeting_abc@thread.v2",
        "19:3f_9c@unq.gbl.spaces",
        "a:1pR0i-Zx_9",
    ],
)
def test_channels_and_chats_are_conversations(target: str) -> None:
    assert receiver(target) == Conversation(target)


@pytest.mark.parametrize("target", ["29:1aBcDeFg_-", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_a_teams_id_and_an_object_id_are_people(target: str) -> None:
    assert receiver(target) == Person(target)


def test_a_message_of_any_length_is_cut_and_says_so() -> None:
    text = activity(notice(TEAMS, "19:x", "x" * 99_999))["text"]
    assert len(text) == MOST_TEXT
    assert text.endswith("…")


def test_a_lone_surrogate_does_not_stop_a_message() -> None:
    assert msgspec.json.encode(activity(notice(TEAMS, "19:x", "a\ud800b", tasks=(task("a\ud800b"),))))
