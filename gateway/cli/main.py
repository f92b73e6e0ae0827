"""`gateway`: finds the command, reads its options, runs it, and turns errors into words and exit codes. I/O.

A command `which` of module M is two functions there: `which_arguments(parser)`, which adds its positionals,
and `which(args) -> int`. Its options are rows of gateway.settings. Only the module of the command that runs
is imported, so that `gateway --help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from ..errors import GatewayError, UsageError
from ..paths import DatabasePath
from ..settings import Setting, did_you_mean, dotenv, from_environment, settings_of, unknown_variables


class Command(NamedTuple):
    """Where a command lives, what it does in one line, and the heading it stands under."""

    module: str
    help: str
    group: str


COMMANDS: dict[str, Command] = {
    "serve": Command("gateway.cli.server", "run the gateway", "Run"),
    "demo": Command("gateway.cli.server", "run the gateway with the sample shop behind it", "Run"),
    "run": Command("gateway.cli.server", "run the gateway on files that hold clusters and forms", "Run"),
    "init": Command("gateway.cli.setup", "start a folder with routes.yaml and a demo of your own", "Run"),
    "tls": Command("gateway.cli.tls", "the local authority of serve --tls auto, and how to trust it", "Run"),
    "check": Command("gateway.cli.routes", "report everything that is wrong in routes.yaml", "Routes"),
    "routes": Command("gateway.cli.routes", "show which cluster lives where", "Routes"),
    "move": Command("gateway.cli.routes", "point a cluster at another environment", "Routes"),
    "which": Command("gateway.cli.routes", "say which upstream a request goes to, and why", "Routes"),
    "history": Command("gateway.cli.routes", "list who moved what, and when", "Routes"),
    "schema": Command("gateway.cli.routes", "print the JSON Schema of routes.yaml for your editor", "Routes"),
    "recordings": Command("gateway.cli.recordings.recordings", "list recordings", "Recordings"),
    "show": Command("gateway.cli.recordings.recordings", "show a recording, or one of its steps", "Recordings"),
    "annotate": Command("gateway.cli.recordings.recordings", "give a recording a title, notes and tags", "Recordings"),
    "delete": Command("gateway.cli.recordings.recordings", "delete a recording", "Recordings"),
    "merge": Command("gateway.cli.recordings.compose", "make one new recording of several", "Recordings"),
    "split": Command("gateway.cli.recordings.compose", "make new recordings of the parts of one", "Recordings"),
    "trim": Command("gateway.cli.recordings.compose", "make a new recording of some steps of one", "Recordings"),
    "export": Command(
        "gateway.cli.recordings.export",
        "write a recording as a diagram, a document, or a file that other tools run",
        "Recordings",
    ),
    "docs": Command("gateway.cli.recordings.docs", "write a small site of documents about recordings", "Recordings"),
    "import": Command(
        "gateway.cli.recordings.imports",
        "take a HAR, a Postman collection, curl commands or a bundle as recordings",
        "Recordings",
    ),
    "replay": Command(
        "gateway.cli.replay.replay", "send a recording's requests again, and say what differs", "What if"
    ),
    "branch": Command("gateway.cli.replay.replay", "send it again with one step changed: a variant", "What if"),
    "preflight": Command("gateway.cli.replay.preflight", "say whether a recording can be run live now", "What if"),
    "compare": Command("gateway.cli.replay.replay", "run a recording on several environments, side by side", "What if"),
    "diff": Command("gateway.cli.replay.replay", "say what differs between two recordings or steps", "What if"),
    "drift": Command("gateway.cli.drift", "say where exchanges differ from contracts, since when and why", "What if"),
    "demos": Command("gateway.cli.demos", "check the demos' files (demos check)", "Care"),
    "access": Command("gateway.cli.access", "who may use the console of a gateway that others can reach", "Care"),
    "audit": Command("gateway.cli.audit", "list who moved, deleted or unmasked what, and when", "Care"),
    "healthcheck": Command("gateway.cli.setup", "ask a running gateway whether it is ready", "Care"),
    "doctor": Command("gateway.cli.doctor", "examine the recordings file, routes.yaml and this machine", "Care"),
    "redact": Command(
        "gateway.cli.recordings.sealing",
        "mask what older recordings hold, by the rules of today",
        "Secrets",
    ),
    "reveal": Command(
        "gateway.cli.recordings.sealing",
        "show the secrets of a step; the audit keeps who and why",
        "Secrets",
    ),
    "keys": Command("gateway.cli.keys", "list the keys, or change them (keys rotate)", "Secrets"),
    "stats": Command("gateway.cli.recordings.compose", "count what the recordings file holds", "Care"),
    "copy": Command(
        "gateway.cli.recordings.copy",
        "copy all recordings between files and databases, with the same ids",
        "Care",
    ),
    "backup": Command(
        "gateway.cli.recordings.maintenance",
        "copy the recordings while a gateway may be writing",
        "Care",
    ),
    "prune": Command("gateway.cli.recordings.maintenance", "delete recordings past their retention limit", "Care"),
    "completion": Command("gateway.cli.setup", "print the completion script of a shell", "Care"),
}


NEGATED = re.compile(r"^-(?=[a-z]+:\S)")  # -method:GET is a term of a filter, and no option
ONE_MORE = re.compile(r"argument (?:-\w/)?(--[\w-]+): expected one argument")
MINUS = "\u2212"


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaints are UsageErrors."""

    def error(self, message: str) -> NoReturn:
        flag = ONE_MORE.fullmatch(message)
        more = f"; a value that begins with a minus is written {flag[1]}=VALUE" if flag else ""
        raise UsageError(message, hint=f"{self.prog} --help{more}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Results go to stdout, talk to stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    try:
        code = run(words)
        sys.stdout.flush()
    except GatewayError as error:
        if debug:
            raise
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe has seen enough: `gateway show @last | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a file or a port, which no command foresaw
        if debug:
            raise
        complain(GatewayError(error.strerror or str(error), where=str(error.filename or ""), hint="--debug shows more"))
        return GatewayError.exit_code
    return code


def run(words: list[str]) -> int:
    """Find the command among the words, and run it with its arguments."""
    before, name, after = split(words)
    if name == "help":
        before, name, after = ["--help"], (after or [""])[0], []
    if name and name not in COMMANDS:
        raise UsageError(f"there is no command '{name}'{did_you_mean(name, COMMANDS)}", hint="gateway --help")
    if not name:
        return overview(before)
    command = import_module(COMMANDS[name].module)
    args = arguments(name, command, before + after, os.environ)
    code: int = getattr(command, f"{name}_" if iskeyword(name) else name)(args)
    return code


def split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """What stands before the command, the command, and what follows it."""
    at = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[:at], (words[at] if at < len(words) else ""), words[at + 1 :]


def overview(words: list[str]) -> int:
    """`gateway`, `gateway --help`, `gateway --version`."""
    if "--version" in words or "-V" in words:
        print(f"gateway {__version__}")
        return 0
    unknown = [word for word in words if word not in ("--help", "-h", "--debug")]
    if unknown:
        known = ("--help", "--version", "--debug")
        raise UsageError(f"there is no option {unknown[0]}{did_you_mean(unknown[0], known)}", hint="gateway --help")
    asked = "--help" in words or "-h" in words
    print(overview_text(), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else UsageError.exit_code


def overview_text() -> str:
    """Every command with its line of help, by group."""
    lines = ["usage: gateway COMMAND [ARGUMENTS]", "", "Routes API clusters, records the chain of calls, explains it."]
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<12} {about.help}" for name, about in COMMANDS.items() if about.group == group]
    lines += [
        "",
        "options:",
        "  -h, --help   this text; 'gateway COMMAND --help' shows a command's own",
        "  --version    print the version",
        "  --debug      show the traceback of an error",
    ]
    return "\n".join(lines)


def command_parser(name: str, module: Any) -> Parser:
    """The parser of one command: its positionals, then its rows of SETTINGS. Absent options stay absent."""
    about = COMMANDS[name]
    parser = Parser(
        prog=f"gateway {name}",
        description=f"{about.help[0].upper()}{about.help[1:]}.",
        epilog=f"Every option can be set by an environment variable: GATEWAY_{name.upper()}_<OPTION>.",
        allow_abbrev=False,
    )
    fill(parser, name, module)
    return parser


def fill(parser: Parser, name: str, module: Any) -> None:
    """Add what a command takes: its positionals, then its options."""
    add_positionals: Callable[[argparse.ArgumentParser], None] | None = getattr(module, f"{name}_arguments", None)
    if add_positionals:
        add_positionals(parser)
    for setting in settings_of(name):
        add_option(parser, setting)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def add_option(parser: argparse.ArgumentParser, setting: Setting) -> None:
    """One row of SETTINGS as an argparse option."""
    flags = [setting.short, setting.flag] if setting.short else [setting.flag]
    about = f"{setting.help}{shown_default(setting)}".replace("%", "%%")
    if setting.type == "switch":
        parser.add_argument(*flags, dest=setting.name, action="store_true", default=argparse.SUPPRESS, help=about)
        return

    def read(text: str) -> Any:
        try:
            return setting.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    action = "extend" if setting.type in ("list", "each") else "store"
    parser.add_argument(
        *flags, dest=setting.name, action=action, type=read, default=argparse.SUPPRESS, metavar=setting.placeholder,
        help=about,
    )  # fmt: skip


def shown_default(setting: Setting) -> str:
    """ " (default: 8080)" where there is one to show."""
    quiet = setting.default in (None, False, (), "") or "default:" in setting.help
    text = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
    return "" if quiet else f" (default: {text})"


def arguments(name: str, module: Any, words: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """The arguments of a command: its words, else the environment, else .env beside routes.yaml, else defaults."""
    parser = command_parser(name, module)
    given_words = [NEGATED.sub(MINUS, word) for word in words] if name == "recordings" else list(words)
    parsed, extra = parser.parse_known_args(given_words)
    if extra:
        flags = [setting.flag for setting in settings_of(name)]
        raise UsageError(
            f"unrecognized: {' '.join(extra)}{did_you_mean(extra[0], flags)}", hint=f"{parser.prog} --help"
        )
    given = vars(parsed)
    real = from_environment(name, environ)
    routes = given.get("routes", real.get("routes", Path("routes.yaml")))
    beside = read_dotenv(routes.parent / ".env")
    values = {setting.name: setting.default for setting in settings_of(name)}
    values |= from_environment(name, beside) | real | given
    for sentence in unknown_variables(name, {**beside, **environ}):
        print(f"gateway: warning: {sentence}", file=sys.stderr)
    lists = [setting.name for setting in settings_of(name) if setting.type in ("list", "each")]
    values |= {key: tuple(values[key]) for key in lists}
    for setting in settings_of(name):
        if setting.type == "store" and isinstance(url := values[setting.name], str):
            values[setting.name] = DatabasePath.of(url)
    return argparse.Namespace(**values, command=name)


def read_dotenv(file: Path) -> dict[str, str]:
    """The variables of a .env file; none when there is no such file."""
    try:
        return dotenv(file.read_text("utf-8"), file=str(file))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(file)) from None


def complain(error: GatewayError) -> None:
    """ "gateway: error: what happened", red on a terminal that wants colour."""
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    head = "\033[31mgateway: error:\033[0m" if colour else "gateway: error:"
    print(f"{head} {error}", file=sys.stderr)
