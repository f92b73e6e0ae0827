"""Completion scripts for shells, generated from the tables of commands and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..export import FORMATS
from ..settings import Setting, settings_of
from .main import COMMANDS

POSITIONALS = {
    "completion": ("bash", "zsh", "fish"),
    "demos": ("check",),
    "access": ("list", "add", "remove", "link", "sessions", "revoke", "hash"),
}

BASH = """\
# gateway completion for bash: source <(gateway completion bash)
_gateway() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} words=""
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        words="{commands} --help --version"
    else
        case "$command ${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}
        *)
            case "$command" in
{options}
            esac
            [[ $word == -* ]] || words=${{words%%--*}}
            ;;
        esac
    fi
    local choice
    for choice in $words; do
        [[ $choice == "$word"* ]] && COMPREPLY+=("$choice")
    done
}}
complete -o default -F _gateway gateway
"""

ZSH = """\
#compdef gateway
# gateway completion for zsh: source <(gateway completion zsh)
_gateway() {{
    if (( CURRENT == 2 )); then
        local -a commands=(
{commands}
        )
        _describe 'command' commands
        return
    fi
    case "$words[2]" in
{options}
    esac
}}
compdef _gateway gateway
"""


def bash() -> str:
    """Words only: commands, options, and the values of options that have a fixed choice."""
    values = [
        f'        {patterns(name, setting)}) words="{" ".join(choices(setting))}" ;;'
        for name in COMMANDS
        for setting in settings_of(name)
        if choices(setting)
    ]
    options = [f'            {name}) words="{" ".join(offered(name))}" ;;' for name in COMMANDS]
    return BASH.format(commands=" ".join(COMMANDS), values="\n".join(values), options="\n".join(options))


def choices(setting: Setting) -> tuple[str, ...]:
    """The values that an option can have, where they are few."""
    return tuple(FORMATS) if setting.flag == "--as" else setting.choices


def patterns(name: str, setting: Setting) -> str:
    return "|".join(f'"{name} {flag}"' for flag in flags(setting))


def offered(name: str) -> Iterator[str]:
    """What may follow a command: its fixed positionals, then its long options."""
    yield from POSITIONALS.get(name, ())
    yield from (setting.flag for setting in settings_of(name))
    yield "--help"


def flags(setting: Setting) -> list[str]:
    return [setting.short, setting.flag] if setting.short else [setting.flag]


def zsh() -> str:
    """With a line of help beside every command and option; files where a path is wanted."""
    commands = [f"            {quoted(f'{name}:{about.help}')}" for name, about in COMMANDS.items()]
    options = []
    for name in COMMANDS:
        specs = [quoted(zsh_option(flag, setting)) for setting in settings_of(name) for flag in flags(setting)]
        rest = POSITIONALS.get(name)
        specs.append(quoted(f"*:argument:({' '.join(rest)})" if rest else "*:file:_files"))
        options.append(f"    {name}) _arguments {' '.join(specs)} ;;")
    return ZSH.format(commands="\n".join(commands), options="\n".join(options))


def zsh_option(flag: str, setting: Setting) -> str:
    """One _arguments spec: '*--port[the port to listen on]:PORT:'."""
    about = setting.help.replace("[", "(").replace("]", ")").replace(":", r"\:")
    start = f"{'*' if setting.type == 'list' else ''}{flag}[{about}]"
    if setting.type == "switch":
        return start
    few = choices(setting)
    values = f"({' '.join(few)})" if few else "_files" if setting.type == "path" else ""
    return f"{start}:{setting.name if few else setting.placeholder}:{values}"


def fish() -> str:
    """One `complete` line for every command and option."""
    lines = ["# gateway completion for fish: gateway completion fish | source", "complete -c gateway -f"]
    for name, about in COMMANDS.items():
        lines.append(f"complete -c gateway -n __fish_use_subcommand -a {name} -d {quoted(about.help)}")
    for name in COMMANDS:
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c gateway {seen} -a {word}" for word in POSITIONALS.get(name, ())]
        lines += [f"complete -c gateway {seen} {fish_option(setting)}" for setting in settings_of(name)]
    return "\n".join(lines) + "\n"


def fish_option(setting: Setting) -> str:
    short = f"-s {setting.short[1:]} " if setting.short else ""
    takes = {"switch": "", "path": " -r -F"}.get(setting.type, " -x")
    values = f" -a {quoted(' '.join(choices(setting)))}" if choices(setting) else ""
    return f"{short}-l {setting.flag[2:]}{takes}{values} -d {quoted(setting.help)}"


def quoted(text: str) -> str:
    """Text as one word of a shell, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
