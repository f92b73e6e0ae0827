"""The frame of the command line: commands, options, environment, errors, exit codes."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.cli import main as frame
from gateway.errors import ConfigError, GatewayError, NotFoundError, Problem, StoreError, UpstreamError, UsageError
from gateway.settings import SETTINGS

GATEWAY = [sys.executable, "-m", "gateway"]


def gateway(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GATEWAY, *words], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Stands in for the module of the `show` command, so that the frame is seen alone."""
    module: Any = types.ModuleType("a_command")
    module.seen = []
    module.show_arguments = lambda parser: parser.add_argument("recording", nargs="?", default="@last")
    module.show = lambda args: module.seen.append(args) or 0
    monkeypatch.setitem(sys.modules, "a_command", module)
    monkeypatch.setitem(frame.COMMANDS, "show", frame.Command("a_command", "show a recording", "Recordings"))
    monkeypatch.chdir(tmp_path)
    return module


def test_help_lists_every_command_and_imports_none() -> None:
    code = "import sys; from gateway.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert all(f"  {name}" in done.stdout for name in frame.COMMANDS)
    heavy = {"aiohttp", "asyncio", "pydantic", "sqlite3", "yaml", "jinja2", "ssl"}
    assert not heavy & set(done.stderr.split())


def test_version() -> None:
    assert gateway("--version").stdout == f"gateway {__version__}\n"


def test_no_command_is_a_question_about_usage() -> None:
    done = gateway()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: gateway COMMAND" in done.stderr


def test_an_unknown_command_suggests_the_nearest() -> None:
    done = gateway("sevre")
    assert done.returncode == 2
    assert done.stderr == (
        "gateway: error: there is no command 'sevre'; did you mean 'serve'?\n  try: gateway --help\n"
    )


def test_an_unknown_option_of_the_program_itself() -> None:
    done = gateway("--verison")
    assert done.returncode == 2
    assert "did you mean '--version'?" in done.stderr


def test_python_m_and_the_script_are_one() -> None:
    script = Path(sys.executable).parent / "gateway"
    done = subprocess.run([str(script), "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == gateway("--version").stdout


def test_positionals_options_and_defaults(command: Any) -> None:
    assert frame.main(["show", "@last~1", "--json"]) == 0
    args = command.seen[0]
    assert (args.recording, args.json, args.recordings, args.command) == (
        "@last~1", True, Path("recordings/gateway.db"), "show",
    )  # fmt: skip


def test_words_beat_the_environment_which_beats_dotenv(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("GATEWAY_SHOW_RECORDINGS=from-file.db\nGATEWAY_SHOW_JSON=yes\n")
    frame.main(["show"])
    monkeypatch.setenv("GATEWAY_SHOW_RECORDINGS", "from-environment.db")
    frame.main(["show"])
    frame.main(["show", "-r", "from-words.db"])
    names = [str(args.recordings) for args in command.seen]
    assert names == ["from-file.db", "from-environment.db", "from-words.db"]
    assert all(args.json for args in command.seen)


def test_dotenv_lies_beside_the_routes_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEWAY_SERVE_PORT=9000\n")
    module: Any = types.ModuleType("empty")
    by_word = frame.arguments("serve", module, ["-c", str(tmp_path / "routes.yaml")], {})
    by_variable = frame.arguments("serve", module, [], {"GATEWAY_SERVE_ROUTES": str(tmp_path / "routes.yaml")})
    assert (by_word.port, by_variable.port) == (9000, 9000)


def test_lists_may_be_repeated_or_comma_separated(tmp_path: Path) -> None:
    module: Any = types.ModuleType("empty")
    args = frame.arguments("serve", module, ["--allow-host", "a,b", "--allow-host=c"], {})
    assert args.allow_host == ("a", "b", "c")
    assert frame.arguments("serve", module, [], {"GATEWAY_SERVE_ALLOW_HOST": "a, b"}).allow_host == ("a", "b")


def test_every_option_of_the_table_reaches_its_command() -> None:
    for name in frame.COMMANDS:
        parser = frame.command_parser(name, types.ModuleType("empty"))
        offered = set(parser.format_help().split())
        for setting in SETTINGS:
            if name in setting.commands:
                assert {setting.flag, setting.short or setting.flag} <= {word.strip(",[]") for word in offered}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limt", "3"], "unrecognized: --limt; did you mean '--limit'?"),
        (["--limit", "few"], "argument -n/--limit: 'few' is not a whole number"),
        (["one", "two"], "unrecognized: two"),
        (["--recordings"], "argument -r/--recordings: expected one argument"),
    ],
)
def test_words_that_are_off(words: list[str], said: str) -> None:
    module: Any = types.ModuleType("a_module")
    module.recordings_arguments = lambda parser: parser.add_argument("filter", nargs="?", default="")
    with pytest.raises(UsageError) as caught:
        frame.arguments("recordings", module, words, {})
    assert said in str(caught.value)
    assert "try: gateway recordings --help" in str(caught.value)


def test_a_value_outside_the_choices_names_them() -> None:
    with pytest.raises(UsageError, match=r"'strikt' is not one of strict, relaxed, fsync; did you mean 'strict'\?"):
        frame.arguments("serve", types.ModuleType("empty"), ["--durability", "strikt"], {})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GatewayError("x"), 1),
        (StoreError("x"), 1),
        (UsageError("x"), 2),
        (ConfigError([Problem("routes.yaml", 1, 2, "", "x")]), 3),
        (UpstreamError("x"), 4),
        (NotFoundError("x"), 5),
    ],
)
def test_each_error_has_its_exit_code(
    error: GatewayError, code: int, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise error

    command.show = fail
    assert frame.main(["show"]) == code
    assert capsys.readouterr().err == f"gateway: error: {error}\n"


def test_an_error_says_where_and_what_to_try(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise NotFoundError("no recording 'x'", where="gateway.db", hint="gateway recordings")

    command.show = fail
    frame.main(["show", "x"])
    assert capsys.readouterr().err == "gateway: error: gateway.db: no recording 'x'\n  try: gateway recordings\n"


def test_a_file_that_nobody_foresaw(command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.show = lambda args: (tmp_path / "gone" / "x").write_text("")
    assert frame.main(["show"]) == 1
    said = f"gateway: error: {tmp_path}/gone/x: No such file or directory\n  try: --debug shows more\n"
    assert capsys.readouterr().err == said


def test_debug_shows_the_traceback(command: Any) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise StoreError("broken")

    command.show = fail
    with pytest.raises(StoreError, match="broken"):
        frame.main(["show", "--debug"])
    with pytest.raises(StoreError, match="broken"):
        frame.main(["--debug", "show"])


def test_ctrl_c_is_130(command: Any) -> None:
    def interrupted(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    command.show = interrupted
    assert frame.main(["show"]) == 130


def test_a_closed_pipe_is_quiet() -> None:
    code = "import sys; from gateway.cli import main, setup; setup.completion_script = lambda shell: 'x\\n' * 100000; "
    code += "sys.exit(main.main(['completion', 'bash']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_help_of_a_command_by_either_word() -> None:
    assert gateway("help", "completion").stdout == gateway("completion", "--help").stdout
    assert "GATEWAY_COMPLETION_<OPTION>" in gateway("completion", "--help").stdout
