"""Writes docs/commands.md and docs/settings.md from the tables that the program itself reads, and the list of modules
in docs/architecture.md from their first lines (`make docs`).

With --check it writes nothing, and exits with 1 when a page is not what it would write.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from importlib import import_module
from pathlib import Path

from gateway.cli.main import COMMANDS, command_parser
from gateway.settings import SETTINGS, Setting, settings_of

DOCS = Path(__file__).parent

EXAMPLES = {
    "serve": ["gateway serve", "gateway serve -c routes.yaml -r recordings/gateway.db -p 0"],
    "run": ["gateway run shop.py", "gateway run shop.yaml", "gateway run a.py b.yaml ../team/c -p 0"],
    "demo": ["gateway demo", "gateway demo --port 9000 --no-open"],
    "tls": ["gateway tls", "gateway tls trust", "gateway tls renew"],
    "init": ["gateway init myshop", "gateway init shop --from openapi.yaml"],
    "check": ["gateway check", "gateway check teams/orders.yaml --json"],
    "routes": ["gateway routes"],
    "move": ["gateway move orders test", "gateway move orders test --dry-run"],
    "which": ["gateway which GET /api/orders/17"],
    "history": ["gateway history", "gateway history --json"],
    "schema": ["gateway schema > routes.schema.json"],
    "recordings": ["gateway recordings", "gateway recordings 'status:404 cluster:orders -method:GET'"],
    "show": ["gateway show @last", "gateway show @last/3", "gateway show 'Order a book' --json"],
    "annotate": ["gateway annotate @last --title 'Order a book' --tag demo --note 'for the meeting'"],
    "delete": ["gateway delete @last~1 --yes"],
    "export": ["gateway export @last --as mermaid", "gateway export @last -o how-to.html"],
    "docs": ["gateway docs @last -o site", "gateway docs 'Order a book' @last --template our-page.html"],
    "import": ["gateway import order.har", "gateway import order.bundle.json"],
    "replay": ["gateway replay @last --yes", "gateway replay 'Order a book' --to catalogue=test --until 2"],
    "branch": ["gateway branch @last 2 --set path:4=978-9 --yes", "gateway branch @last 2 --env catalogue=dev --yes"],
    "preflight": ["gateway preflight @last", "gateway preflight @last --to catalogue=test"],
    "compare": ["gateway compare @last --env catalogue=dev,test,qa --yes"],
    "drift": [
        "gateway drift",
        "gateway drift @last --all",
        "gateway drift cluster:orders --contract contracts/next.yaml",
        'gateway drift accept 3f2a9c1b --why "known, mended in 2.1"',
    ],
    "diff": ["gateway diff @last @last-run", "gateway diff @last/2 @last-run/2 --json"],
    "demos": ["gateway demos check"],
    "access": ["gateway access add ada --role viewer", "gateway access link", "gateway access sessions"],
    "audit": ["gateway audit", "gateway audit delete orders --limit 10"],
    "healthcheck": ["gateway healthcheck", "gateway healthcheck --url http://127.0.0.1:8080"],
    "doctor": ["gateway doctor", "gateway doctor --repair"],
    "copy": ["gateway copy recordings/gateway.db postgresql://gateway@db.example/record"],
    "backup": ["gateway backup", "gateway backup monday.db"],
    "redact": ["gateway redact @last --dry-run", "gateway redact @last --rules more.yaml --yes"],
    "reveal": ["gateway reveal @last/2 --why 'the token of ticket 512'"],
    "keys": ["gateway keys", "gateway keys rotate"],
    "merge": ["gateway merge @last~1 @last --title 'Both phones'"],
    "split": ["gateway split @last 4 9"],
    "trim": ["gateway trim @last --from 2 --until 8 --without 5"],
    "stats": ["gateway stats", "gateway stats --json"],
    "prune": ["gateway prune --dry-run", "gateway prune --days 30 --bytes 2GiB"],
    "completion": ["source <(gateway completion bash)"],
}

COMMANDS_HEAD = """\
# Commands

Written by `make docs` from the tables in `gateway/cli/main.py` and `gateway/settings.py`.

Results go to stdout, talk to stderr. `--json` prints a stable shape. `NO_COLOR` is obeyed. Every option has an
environment variable, see [settings](settings.md). `--debug` shows the traceback of an error. A recording is named by
its id, any unique prefix of it, its exact title, `@last` or `@last~1`.

The exit code is 0 when all is well, 1 when it ran and the answer is "no", 2 for usage, 3 for an invalid file,
4 when an upstream cannot be reached, 5 when something is not found, 130 after Ctrl-C; see [errors](errors.md).
"""

SETTINGS_HEAD = """\
# Settings

Written by `make docs` from the table in `gateway/settings.py`. What routes.yaml says is in [routes](routes.md).

An option on the command line counts first, then its environment variable, then a line of the file `.env` beside
routes.yaml, then the default. A variable that looks like an option and is none is reported with the nearest name.
A switch is on with `1`, `true`, `yes` or `on`; a list is comma-separated; times are seconds, or `200ms`, `5s`, `2m`.

| for every command | meaning |
|---|---|
{everywhere}| `GATEWAY_URL` | the running gateway that `move`, `annotate`, `delete` ... talk to; it must answer |
| `NO_COLOR` | print no colours |
"""


def commands_page() -> str:
    """Every command: usage, what it takes, its options, examples."""
    parts = [COMMANDS_HEAD]
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        parts.append(f"## {group}\n")
        parts += [command_section(name) for name, about in COMMANDS.items() if about.group == group]
    return "\n".join(parts)


def command_section(name: str) -> str:
    about = COMMANDS[name]
    parser = command_parser(name, import_module(about.module))
    # argparse offers no public list of what was added.
    positionals = [action for action in parser._actions if not action.option_strings]
    usage = " ".join([f"gateway {name}", *map(usage_of, positionals), "[options]" if settings_of(name) else ""]).strip()
    rows = [f"| `{shown(action)}` | {cell(action.help or '')} |" for action in positionals]
    rows += [f"| {option(setting)} | {cell(setting.help)}{default(setting)} |" for setting in settings_of(name)]
    table = ["| argument | meaning |", "|---|---|", *rows, ""] if rows else []
    examples = ["```sh", *EXAMPLES[name], "```", ""]
    return "\n".join([f"### {name}", "", f"`{usage}`: {about.help}.", "", *table, *examples])


def shown(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def usage_of(action: argparse.Action) -> str:
    word = shown(action)
    return {"?": f"[{word}]", "*": f"[{word} ...]", "+": f"{word} ..."}.get(str(action.nargs), word)


def option(setting: Setting) -> str:
    flags = f"`{setting.short}`, `{setting.flag}`" if setting.short else f"`{setting.flag}`"
    value = setting.placeholder.replace("|", "\\|")
    return f"{flags} `{value}`" if value else flags


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def default(setting: Setting) -> str:
    """ " (default `8080`)" where there is one to show."""
    if setting.default in (None, False, (), "") or "default:" in setting.help:
        return ""
    text = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
    return f" (default `{text}`)"


def settings_page() -> str:
    """Every setting of every command with its variable."""
    everywhere = {f"GATEWAY_{row.name}".upper(): row.help for row in SETTINGS if row.everywhere}
    parts = [SETTINGS_HEAD.format(everywhere="".join(f"| `{name}` | {text} |\n" for name, text in everywhere.items()))]
    for name in COMMANDS:
        if settings_of(name):
            rows = [
                f"| {option(row)} | `{row.variable(name)}` | {cell(row.help)}{default(row)} |"
                for row in settings_of(name)
            ]
            head = ["| option | variable | meaning |", "|---|---|---|"]
            parts.append("\n".join([f"## {name}", "", *head, *rows, ""]))
    return "\n".join(parts)


def architecture_page() -> str:
    """The hand-written page with its list of modules made anew."""
    text = (DOCS / "architecture.md").read_text("utf-8")
    start, end = "<!-- modules: make docs -->\n", "<!-- end of modules -->"
    before, after = text.partition(start)[0], text.partition(end)[2]
    return f"{before}{start}{modules()}{end}{after}"


def modules() -> str:
    """A table for every folder, a row for every module."""
    root = DOCS.parent
    tables = []
    for folder in sorted({file.parent for file in root.glob("gateway/**/*.py")}):
        name = folder.relative_to(root)
        rows = [f"| `{name / file.name}` | {cell(about(file))} |" for file in sorted(folder.glob("*.py"))]
        tables.append("\n".join([f"### {name}", "", "| module | what it does |", "|---|---|", *rows, ""]))
    return "\n" + "\n".join(tables) + "\n"


def about(file: Path) -> str:
    """The first line of a module."""
    line = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]
    return re.sub(r"\s*I/O\.$", "", line)


def pages() -> dict[str, str]:
    """Every page that is written here, by name."""
    return {"commands.md": commands_page(), "settings.md": settings_page(), "architecture.md": architecture_page()}


def main() -> int:
    """Write the pages, or with --check compare them."""
    stale = []
    for name, page in pages().items():
        file = DOCS / name
        if file.is_file() and file.read_text("utf-8") == page:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            file.write_text(page, "utf-8")
    print(f"not up to date: {', '.join(stale)} (make docs writes them)" if stale else "docs are up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
