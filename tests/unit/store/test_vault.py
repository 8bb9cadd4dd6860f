import os
import stat
from base64 import b64encode
from pathlib import Path

import pytest

from ai_crm.errors import SettingsInvalid, StoreError
from ai_crm.model.secret import Secret
from ai_crm.store.vault import Vault, vault_key

SECRETS = {"token": Secret("ghp_canary-0123456789"), "webhook_secret": Secret("ö")}


def test_what_was_sealed_opens_again_and_shows_nothing_meanwhile() -> None:
    vault = Vault(bytes(32))
    box = vault.seal(SECRETS, "w/main")

    assert vault.open(box, "w/main") == SECRETS
    assert "canary" not in box
    assert vault.seal(SECRETS, "w/main") != box


@pytest.mark.parametrize("place", ["w/other", "v/main", "w/main "])
def test_a_box_that_was_moved_does_not_open(place: str) -> None:
    vault = Vault(bytes(32))

    with pytest.raises(StoreError, match="cannot be opened"):
        vault.open(vault.seal(SECRETS, "w/main"), place)


def test_no_box_opens_after_any_bit_of_it_was_changed() -> None:
    vault = Vault(bytes(32))
    box = vault.seal({"a": Secret("b")}, "w/main")
    for position in range(len("v1:"), len(box), 3):
        other = "A" if box[position] != "A" else "B"
        with pytest.raises(StoreError):
            vault.open(box[:position] + other + box[position + 1 :], "w/main")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(StoreError):
        Vault(bytes(31) + b"\x01").open(Vault(bytes(32)).seal(SECRETS, "w/main"), "w/main")


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = str(tmp_path / "secret.key")
    made = vault_key(Secret(""), file)

    assert len(made) == 32
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert vault_key(Secret(""), file) == made


def test_a_key_that_is_given_needs_no_file(tmp_path: Path) -> None:
    key = os.urandom(32)

    assert vault_key(Secret(b64encode(key).decode()), str(tmp_path / "secret.key")) == key
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["short", "ä", b64encode(bytes(31)).decode()])
def test_a_key_that_is_none_is_told_with_what_to_do_and_never_shown(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="32 bytes") as refused:
        vault_key(Secret(text), "unused")
    assert text not in str(refused.value)
