"""Tokens, passwords, attempts, links and sign-ins, without a server around them.

Covers: access/credentials, access/hashing, access/logins.
"""

from __future__ import annotations

import stat

import pytest

from gateway.access import (
    FILE,
    Access,
    Credential,
    hash_password,
    hash_token,
    is_hash,
    new_token,
    read_credentials,
    write_credentials,
)
from gateway.access.authentication import Attempts, network
from gateway.access.hashing import matches
from gateway.errors import ConfigError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_kept_does_not_hold_the_secret_and_only_the_secret_fits() -> None:
    token = new_token()
    for kept, secret in ((hash_token(token), token), (hash_password("swordfish!"), "swordfish!")):
        assert secret not in kept
        assert is_hash(kept)
        assert matches(secret, kept)
        assert not matches(secret + "x", kept)
        assert not matches("", kept)
    assert hash_password("swordfish!") != hash_password("swordfish!")


@pytest.mark.parametrize(
    "kept",
    [
        "", "swordfish", "sha256$", "sha256$zz", "md5$aa", "scrypt$16384$8$1$AAAA", "scrypt$3$8$1$AAAA$AAAA",
        "scrypt$1073741824$8$1$AAAA$AAAA", "scrypt$16384$8$1$!$!", "scrypt$x$8$1$AAAA$AAAA",
    ],
)  # fmt: skip
def test_what_is_no_hash_fits_nothing(kept: str) -> None:
    assert not is_hash(kept)
    assert not matches("", kept)
    assert not matches("swordfish", kept)


def test_the_file_is_for_its_owner_only_and_comes_back_as_it_was(tmp_path) -> None:
    file = tmp_path / "kept" / FILE
    ada, wall = Credential("ada", "operator", hash_token("a")), Credential("wall", "viewer", hash_password("b" * 9))
    write_credentials(file, (ada, wall))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_credentials(file) == (ada, wall)
    assert [one.name for one in file.parent.iterdir()] == [FILE]


def test_every_wrong_line_is_named(tmp_path) -> None:
    file = tmp_path / FILE
    good = hash_token("a")
    file.write_text(f"# a comment\n\nada operator {good}\nada viewer {good}\nbob oprator {good}\nkim viewer x\neve\n")
    with pytest.raises(ConfigError) as caught:
        read_credentials(file)
    assert [(one.line, one.message.partition(";")[0]) for one in caught.value.problems] == [
        (4, "ada is there twice"),
        (5, "'oprator' is not one of operator, viewer"),
        (6, "the third word is no hash"),
        (7, "not: name role hash"),
    ]


def test_five_wrong_attempts_then_one_every_ten_seconds() -> None:
    attempts = Attempts()
    assert [attempts.take("10.0.0.1", 0.0) for _ in range(5)] == [0.0] * 5
    assert attempts.take("10.0.0.1", 0.0) == pytest.approx(10.0)
    assert attempts.take("10.0.0.2", 0.0) == 0.0
    assert attempts.take("10.0.0.1", 9.0) == pytest.approx(1.0)
    assert attempts.take("10.0.0.1", 10.0) == 0.0
    assert attempts.take("10.0.0.1", 10.0) > 0


def test_many_addresses_are_no_way_around() -> None:
    attempts = Attempts()
    waits = [attempts.take(f"10.0.{number}.1", 0.0) for number in range(60)]
    assert waits[:50] == [0.0] * 50
    assert all(wait > 0 for wait in waits[50:])


def test_a_right_one_forgets_the_wrong_ones() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.take("10.0.0.1", 0.0)
    attempts.right("10.0.0.1")
    assert attempts.take("10.0.0.1", 0.0) == 0.0


def test_a_household_is_one_address() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("::ffff:10.0.0.1") == "10.0.0.1"
    assert network("fe80::1%eth0") == network("fe80::2")
    assert network("unknown") == "unknown"


async def test_a_password_and_a_token_are_judged_and_cost_nothing_when_right(tmp_path) -> None:
    clock = Clock()
    access = Access(
        tmp_path, remote=True, password="swordfish!", viewer_password=hash_password("look-only"), clock=clock
    )
    for _ in range(20):
        assert (await access.judge("swordfish!", address="a")).credential.role == "operator"
    assert (await access.judge("look-only", address="a")).credential.role == "viewer"
    assert (await access.judge(access.here_token, address="a")).credential.name == "this machine"
    wrong = [await access.judge(f"no{number}", address="b") for number in range(7)]
    assert [one.wait > 0 for one in wrong] == [False] * 5 + [True] * 2
    assert all(one.credential is None for one in wrong)
    assert (await access.judge("swordfish!", address="b")).credential, "known before: no attempt"


async def test_a_token_taken_out_of_the_file_counts_no_longer_and_is_signed_out(tmp_path) -> None:
    access = Access(tmp_path)
    assert not access.needed
    write_credentials(tmp_path / FILE, [Credential("ada", "operator", hash_token("t1"))])
    assert access.needed, "the file is looked at again"
    assert (await access.judge("t1", address="a")).credential.name == "ada"
    login, cookie = access.logins.add("ada", "operator", address="a", agent="x")
    assert access.holds(login)
    write_credentials(tmp_path / FILE, [Credential("bob", "operator", hash_token("t2"))])
    assert (await access.judge("t1", address="a")).credential is None
    assert access.logins.find(cookie) is None
    assert not access.holds(login)


async def test_a_file_that_is_wrong_lets_nobody_in_by_it(tmp_path, caplog) -> None:
    write_credentials(tmp_path / FILE, [Credential("ada", "operator", hash_token("t1"))])
    access = Access(tmp_path, remote=True)
    (tmp_path / FILE).write_text("ada operator t1\n")
    assert (await access.judge("t1", address="a")).credential is None
    assert access.needed
    assert "until it is mended" in caplog.text


def test_a_link_is_good_once_and_for_a_day() -> None:
    clock = Clock()
    access = Access(clock=clock)
    code, late = access.link_code("viewer"), access.link_code()
    assert access.is_link(code)
    assert access.use_link(code) == "viewer"
    assert access.use_link(code) is None
    clock.now += 24 * 3600 + 1
    assert access.use_link(late) is None
    assert access.use_link("") is None


def test_sign_ins_outlive_a_restart_and_end_by_time_or_word(tmp_path) -> None:
    clock = Clock()
    first = Access(tmp_path, remote=True, clock=clock)
    ada, cookie = first.logins.add("ada", "operator", address="10.0.0.1", agent="Browser")
    bob, other = first.logins.add("bob", "viewer", address="10.0.0.2", agent="Browser")
    saved = (tmp_path / "gateway.logins.json").read_text()
    assert cookie not in saved
    again = Access(tmp_path, remote=True, clock=clock)
    assert again.logins.find(cookie) == ada
    assert [one.handle for one in again.logins.end(lambda one: one.name == "bob")] == [bob.handle]
    assert again.logins.find(other) is None
    assert again.logins.all() == [ada]
    clock.now += 8 * 86400
    assert again.logins.find(cookie) is None
    assert again.logins.all() == []


def test_a_broken_file_of_sign_ins_signs_everybody_out_and_says_so(tmp_path, caplog) -> None:
    (tmp_path / "gateway.logins.json").write_text('{"a": {"handle": 1, "colour": "red"}}')
    assert Access(tmp_path, remote=True).logins.all() == []
    assert "has to sign in again" in caplog.text


def test_gateways_of_one_folder_keep_each_others_sign_ins(tmp_path) -> None:
    first, second = Access(tmp_path, remote=True), Access(tmp_path, remote=True)
    ada, adas = first.logins.add("ada", "operator", address="a", agent="x")
    bob, bobs = second.logins.add("bob", "viewer", address="b", agent="y")
    assert [each.logins.find(adas) for each in (first, second)] == [ada, ada]
    assert [each.logins.find(bobs) for each in (first, second)] == [bob, bob]
    assert first.logins.end(lambda one: one.name == "bob") == [bob]
    assert not second.logins.is_open(bob)
    assert second.logins.all() == [ada]
    again = Access(tmp_path, remote=True)
    assert (again.logins.find(adas), again.logins.find(bobs)) == (ada, None)
