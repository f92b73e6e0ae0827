"""Completion scripts for shells, written by shtab from the parsers of the commands. I/O."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import shtab

from ..export import FORMATS
from ..settings import Setting, settings_of
from .main import COMMANDS, Parser, fill

SHELLS: Final = ("bash", "zsh", "fish", "powershell", "tcsh")
POSITIONALS: Final = {
    "completion": SHELLS,
    "demos": ("check", "new"),
    "access": ("list", "add", "remove", "link", "sessions", "revoke", "hash"),
    "keys": ("list", "rotate", "retire"),
}


def completion_script(shell: str) -> str:
    """The script that completes `gateway` in one of SHELLS; `source` it, or put it where the shell looks."""
    return shtab.complete(whole_parser(), shell=shell)


def whole_parser() -> Parser:
    """One parser with every command below it, as `gateway` itself never builds it: it imports one command's module."""
    parser = Parser(prog="gateway", allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(parser_class=Parser)
    for name, about in COMMANDS.items():
        below = commands.add_parser(name, help=about.help, allow_abbrev=False)
        fill(below, name, import_module(about.module))
        _offer(below, name)
    return parser


def _offer(parser: Parser, name: str) -> None:
    """What may be written as a value: fixed words, else files where a path is wanted."""
    by_name = {setting.name: setting for setting in settings_of(name)}
    for action in parser._actions:  # argparse has no other list of them; shtab reads it too
        setting = by_name.get(action.dest)
        if setting is None:
            if not action.option_strings and name in POSITIONALS:
                action.choices = POSITIONALS[name]
        elif few := choices(setting):
            action.choices = few
        elif setting.type in ("path", "store"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it


def choices(setting: Setting) -> tuple[str, ...]:
    """The values that an option can have, where they are few."""
    return tuple(FORMATS) if setting.flag == "--as" else setting.choices
