"""Keys: made once with the right mode, rotated, and clear words when they are unusable."""

import logging
import os
import stat

import pytest
from cryptography.fernet import Fernet, InvalidToken

from gateway.errors import ConfigError
from gateway.keys import FILE, VARIABLE, Keys, load_keys, rotate


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
