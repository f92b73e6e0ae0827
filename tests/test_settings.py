"""The table of settings, the environment and .env files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.settings import SETTINGS, Setting, dotenv, from_environment, settings_of, unknown_variables


def test_no_command_has_two_options_of_one_name() -> None:
    for command in {name for setting in SETTINGS for name in setting.commands}:
        flags = [flag for setting in settings_of(command) for flag in (setting.flag, setting.short) if flag]
        assert sorted(flags) == sorted(set(flags)), command


def test_every_default_is_what_its_type_reads() -> None:
    types = {
        "path": Path,
        "store": Path,
        "int": int,
        "seconds": float,
        "switch": bool,
        "list": tuple,
        "each": tuple,
        "text": str,
    }
    for setting in SETTINGS:
        assert setting.default is None or type(setting.default) in (types[setting.type], type(Path())), setting.flag
        assert not setting.choices or setting.default in (None, *setting.choices), setting.flag
        assert setting.help, setting.flag


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "8080", 8080),
        ("seconds", "200ms", 0.2),
        ("seconds", "5", 5.0),
        ("seconds", "1.5m", 90.0),
        ("switch", "yes", True),
        ("switch", "0", False),
        ("list", "a, b,,c", ("a", "b", "c")),
        ("each", "a, b", ("a, b",)),
        ("path", "a/b", Path("a/b")),
    ],
)
def test_text_is_read_by_type(kind: str, text: str, value: object) -> None:
    assert Setting(("serve",), "--x", type=kind).read(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "-1"),
        ("int", "1e3"),
        ("int", "٣"),
        ("seconds", "soon"),
        ("seconds", "nan"),
        ("switch", "maybe"),
        ("path", ""),
    ],
)
def test_text_of_another_type_is_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Setting(("serve",), "--x", type=kind).read(text)


def test_the_environment_names_command_and_option() -> None:
    found = from_environment("serve", {"GATEWAY_SERVE_PORT": "9000", "GATEWAY_DEMO_PORT": "1", "PORT": "2"})
    assert found == {"port": 9000}


def test_one_variable_names_the_recordings_for_every_command() -> None:
    environment = {
        "GATEWAY_RECORDINGS": "all.db",
        "GATEWAY_SHOW_RECORDINGS": "shown.db",
        "GATEWAY_PORT": "tcp://10.0.0.1:80",
    }
    assert from_environment("serve", environment) == {"recordings": Path("all.db")}
    assert from_environment("show", environment) == {"recordings": Path("shown.db")}


def test_a_bad_variable_is_named_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"GATEWAY_SERVE_DURABILITY: 'strikt' is not one of .* mean 'strict'\?"):
        from_environment("serve", {"GATEWAY_SERVE_DURABILITY": "strikt"})


def test_a_misspelt_variable_is_noticed_and_others_are_left_alone() -> None:
    environment = {"GATEWAY_SERVE_PROT": "1", "GATEWAY_SERVE_PORT": "1", "GATEWAY_SERVICE_HOST": "10.0.0.1"}
    sentences = unknown_variables("serve", environment)
    assert sentences == [
        "GATEWAY_SERVE_PROT is not a setting of 'gateway serve'; did you mean 'GATEWAY_SERVE_PORT'?",
    ]


def test_dotenv_forms() -> None:
    lines = [
        "\ufeff# comment",
        "",
        "A=1",
        "export B = two words # note",
        r'C="x # y\n\"z\"" # note',
        r"D='raw $V \n'",
        "E=",
    ]
    text = "\n".join([*lines, "F=a#b\r\n"])
    assert dotenv(text) == {"A": "1", "B": "two words", "C": 'x # y\n"z"', "D": "raw $V \\n", "E": "", "F": "a#b"}


@pytest.mark.parametrize("line", ["just words", "1A=2", 'A="open', "A='a'b", "=x"])
def test_dotenv_says_which_line_is_off(line: str) -> None:
    with pytest.raises(UsageError, match=r"conf/\.env:2: not NAME=value"):
        dotenv(f"OK=1\n{line}\n", file="conf/.env")


@given(st.text())
def test_dotenv_reads_or_refuses_any_text(text: str) -> None:
    try:
        assert all(name.isascii() for name in dotenv(text))
    except UsageError as error:
        assert error.where.startswith(".env:")


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_dotenv_gives_back_what_was_quoted(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert dotenv(f'NAME="{escaped}"') == {"NAME": value}


def test_a_url_is_no_path_but_of_a_database_where_recordings_are() -> None:
    routes, recordings = (next(s for s in SETTINGS if s.flag == flag) for flag in ("--routes", "--recordings"))
    for setting, url in ((routes, "postgresql://localhost/gateway"), (recordings, "mysql://localhost/gateway")):
        with pytest.raises(ValueError, match="is a URL"):
            setting.read(url)
    assert recordings.read("postgresql://localhost/gateway") == "postgresql://localhost/gateway"
