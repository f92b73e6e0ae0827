"""Keys: made once with the right mode, rotated, and clear words when they are unusable.

Covers: cli/keys.
"""

import base64
import logging
import os
import stat

import pytest
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigError
from gateway.keys import FILE, VARIABLE, Keys, existing_keys, load_keys, rotate, unopened


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_a_key_file_for_its_owner_only(tmp_path):
    folder = tmp_path / "recordings"
    load_keys(folder, {})
    assert mode(folder / FILE) == 0o600
    assert mode(folder) == 0o700
    assert len((folder / FILE).read_text().splitlines()) == 1


def test_an_open_umask_does_not_open_the_file(tmp_path):
    before = os.umask(0)
    try:
        load_keys(tmp_path, {})
    finally:
        os.umask(before)
    assert mode(tmp_path / FILE) == 0o600


def test_the_next_start_opens_what_this_one_locked(tmp_path):
    first, second = load_keys(tmp_path, {}), load_keys(tmp_path, {})
    assert second.cookie.decrypt(first.cookie.encrypt(b"id")) == b"id"
    assert second.placeholder == first.placeholder


def test_no_purpose_opens_what_another_locked(tmp_path):
    keys = load_keys(tmp_path, {})
    with pytest.raises(InvalidToken):
        keys.sealing.decrypt(keys.cookie.encrypt(b"id"), b"p")
    root = Fernet((tmp_path / FILE).read_text().strip())
    with pytest.raises(InvalidToken):
        root.decrypt(keys.cookie.encrypt(b"id"))


def test_rotation_keeps_what_the_old_key_locked(tmp_path):
    old = load_keys(tmp_path, {})
    rotate(tmp_path)
    new = load_keys(tmp_path, {})
    assert new.cookie.decrypt(old.cookie.encrypt(b"id")) == b"id"
    with pytest.raises(InvalidToken):
        old.cookie.decrypt(new.cookie.encrypt(b"id"))
    assert new.placeholder != old.placeholder
    assert mode(tmp_path / FILE) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_the_environment_wins_and_leaves_no_file(tmp_path):
    newest, older = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keys = load_keys(tmp_path, {VARIABLE: f"{newest}, {older}"})
    assert keys.sealing.decrypt(Keys.of([older]).sealing.encrypt(b"s", b"p", "R"), b"p") == b"s"
    assert keys.placeholder == Keys.of([newest]).placeholder
    assert not (tmp_path / FILE).exists()


def test_a_file_that_others_may_read_is_mended_with_a_warning(tmp_path, caplog):
    load_keys(tmp_path, {})
    (tmp_path / FILE).chmod(0o644)
    with caplog.at_level(logging.WARNING):
        load_keys(tmp_path, {})
    assert mode(tmp_path / FILE) == 0o600
    assert "mode 644" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no key"),
        (b"\n \n", "holds no key"),
        (b"too-short\n", ":1:1: error: not a key: 9 characters instead of 44"),
        (Fernet.generate_key() + b"\n" + b"*" * 44, ":2:1: error: not a key: not url-safe base64"),
        (b"\xff\xfe\x00", "is not a text file of keys"),
    ],
    ids=["empty", "blank", "short", "second line", "binary"],
)
def test_a_malformed_file_says_where_and_what_to_do(tmp_path, content, message):
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_keys(tmp_path, {})
    assert message in str(caught.value)
    assert caught.value.hint
    assert (tmp_path / FILE).read_bytes() == content


def test_a_malformed_variable_names_the_key_and_never_shows_it(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_keys(tmp_path, {VARIABLE: f"{Fernet.generate_key().decode()},hunter2"})
    assert "GATEWAY_SECRET_KEY:1:1: error: key 2: not a key: 7 characters" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_folder_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / FILE).mkdir(mode=0o700)
    with pytest.raises(ConfigError) as caught:
        load_keys(tmp_path, {})
    assert "cannot be read" in str(caught.value)
    assert VARIABLE in caught.value.hint


def test_keys_do_not_show_themselves(tmp_path):
    keys = load_keys(tmp_path, {})
    assert repr(keys.placeholder) not in repr(keys)


def test_a_sealed_secret_opens_for_its_placeholder_alone():
    sealing = Keys.of([Fernet.generate_key().decode()]).sealing
    sealed = sealing.encrypt(b"hunter2", b"sealed_a_8", "R1")
    assert sealing.decrypt(sealed, b"sealed_a_8") == b"hunter2"
    for wrong, placeholder in (
        (sealed, b"sealed_b_8"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"sealed_a_8"),
        (sealed.replace(b"R1", b"R2"), b"sealed_a_8"), (sealed[:40], b"sealed_a_8"), (b"", b"sealed_a_8"),
    ):  # fmt: skip
        with pytest.raises(InvalidToken):
            sealing.decrypt(wrong, placeholder)


def test_what_older_versions_sealed_still_opens_and_comes_under_the_newest_key():
    older, newest = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    purpose = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gateway sealed secrets")
    root = base64.urlsafe_b64encode(purpose.derive(base64.urlsafe_b64decode(older)))
    sealed = Fernet(root).encrypt(b"hunter2")
    sealing = Keys.of([newest, older]).sealing
    assert sealing.decrypt(sealed, b"p") == b"hunter2"
    renewed = sealing.rotate(sealed, b"p", "R1")
    assert Keys.of([newest]).sealing.decrypt(renewed, b"p") == b"hunter2"
    assert b"R1" in renewed
    moved = sealing.rotate(renewed, b"p", "R2")
    assert b"R1" in moved
    assert b"R2" not in moved


def test_keys_that_were_lost_or_replaced_are_told_and_nothing_is_made(tmp_path):
    before = Keys.of([Fernet.generate_key().decode()])
    rows = [("p", before.sealing.encrypt(b"x", b"p", "R1"))]
    assert existing_keys(tmp_path, {}) is None
    assert list(tmp_path.iterdir()) == []
    assert unopened(before, rows) == ""
    assert unopened(before, []) == ""
    name = rows[0][1][1:5].hex()
    lost = f"no key opens the secrets of the recordings, sealed under key {name}: the key was lost or replaced"
    assert unopened(None, rows) == lost
    replaced = load_keys(tmp_path, {})
    assert unopened(replaced, rows) == lost
    both = [*rows, ("q", replaced.sealing.encrypt(b"x", b"q", "R2"))]
    assert unopened(replaced, both).startswith("no key opens some of the secrets")


def test_form_tokens_outlive_a_restart_and_a_new_key(tmp_path):
    before = load_keys(tmp_path, {})
    assert load_keys(tmp_path, {}).forms == before.forms
    rotate(tmp_path)
    after = load_keys(tmp_path, {})
    assert after.forms[1:] == before.forms
    assert after.forms[0] not in before.forms
    assert after.marks == before.marks
