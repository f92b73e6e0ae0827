"""Every setting once: name, type, default, help. Pure.

The command line, its environment variables, the docs and their tests read SETTINGS. To add an option to a
command, add a row to that command's section; a flag that several commands share is one row that names them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import UsageError
from .errors import did_you_mean as did_you_mean

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
QUOTED = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?""")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def dotenv(text: str, *, file: str = ".env") -> dict[str, str]:
    """The variables of a .env file: NAME=value, "quoted" with backslash escapes, 'verbatim', # comments. UsageError
    names the line that is something else."""
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line)
        value = _unquoted(match[2]) if match else None
        if match is None or value is None:
            raise UsageError("not NAME=value", where=f"{file}:{number}", hint="close every quote")
        found[match[1]] = value
    return found


def _unquoted(text: str) -> str | None:
    if not text.lstrip().startswith(("'", '"')):
        return re.split(r"\s#", text, maxsplit=1)[0].strip()
    match = QUOTED.fullmatch(text)
    if match is None or match[1] is None:
        return match[2] if match else None
    return re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[1]), match[1])


Kind = Literal["text", "path", "store", "int", "seconds", "switch", "list", "each"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option. "switch" is on or off. "list" may be repeated (comma-separated in the environment), and so may
    "each", whose values may hold commas (the environment gives one of them)."""

    commands: tuple[str, ...]
    flag: str  # "--no-open"
    short: str = ""  # "-o"
    type: Kind = "text"
    default: Any = None  # as the command sees it: a Path for "path", a tuple for "list"
    help: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    everywhere: bool = False  # GATEWAY_<OPTION> sets it for every command that has it

    @property
    def name(self) -> str:
        """The attribute of the parsed arguments: "no_open"."""
        return self.flag.removeprefix("--").replace("-", "_")

    def variable(self, command: str) -> str:
        """GATEWAY_SERVE_PORT."""
        return f"GATEWAY_{command}_{self.name}".upper()

    def variables(self, command: str) -> list[str]:
        """The environment variables that set it, the one that counts first."""
        return [self.variable(command), f"GATEWAY_{self.name}".upper()][: 2 if self.everywhere else 1]

    @property
    def placeholder(self) -> str:
        """What stands for the value in help: FILE, SECONDS, strict|relaxed|fsync; "" for a switch."""
        words = {
            "text": "TEXT",
            "path": "FILE",
            "store": "FILE",
            "int": "N",
            "seconds": "SECONDS",
            "list": "NAME",
            "switch": "",
            "each": "TEXT",
        }
        return self.metavar or "|".join(self.choices) or words[self.type]

    def read(self, text: str) -> Any:
        """The value that `text` stands for; ValueError says what is wrong with it."""
        if self.choices and text not in self.choices:
            raise ValueError(f"{text!r} is not one of {', '.join(self.choices)}{did_you_mean(text, self.choices)}")
        return READERS[self.type](text)


def _switch(text: str) -> bool:
    low = text.strip().lower()
    if low in ("1", "true", "yes", "on"):
        return True
    if low in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def _int(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a time such as 5, 200ms, 5s or 2m")
    return float(match[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(match[2], 1.0)


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a path is missing")
    if "://" in text:
        raise ValueError(f"{text!r} is a URL; files lie on this machine")
    return Path(text)


def _store(text: str) -> Path | str:
    """A database's address stays a text: cli/main.py makes it a paths.DatabasePath."""
    return text if text.startswith(("postgresql://", "postgres://")) else _path(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _each(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


READERS: dict[Kind, Callable[[str], Any]] = {
    "text": str,
    "path": _path,
    "store": _store,
    "int": _int,
    "seconds": _seconds,
    "switch": _switch,
    "list": _list,
    "each": _each,
}

SETTINGS: tuple[Setting, ...] = (
    # ---- shared by several commands ------------------------------------------------------------------------
    Setting(
        (
            "serve", "check", "routes", "move", "which", "demos", "doctor", "drift", "prune", "replay", "branch",
            "compare",
            "preflight", "import", "export", "docs", "show", "redact", "reveal",
        ),
        "--routes", "-c", "path", Path("routes.yaml"), "the file with the clusters and their environments",
        everywhere=True,
    ),
    Setting(
        (
            "serve", "run", "routes", "move", "which", "history", "recordings", "show", "annotate", "delete", "export",
            "docs", "doctor", "drift", "healthcheck", "replay", "branch", "compare",
            "preflight", "diff", "prune", "backup", "import", "audit",
            "access", "redact", "reveal", "keys", "stats", "merge", "split", "trim", "demos", "tls",
        ),
        "--recordings", "-r", "store", Path("recordings/gateway.db"),
        "the file with the recordings, or the database: postgresql://USER@HOST/DATABASE",
        everywhere=True,
    ),
    Setting(
        (
            "routes", "move", "annotate", "delete", "drift", "healthcheck", "prune", "replay", "branch", "compare",
            "preflight", "import", "access", "export", "docs", "redact", "reveal", "keys", "merge", "split", "trim",
        ),
        "--url",
        metavar="URL",
        help="the running gateway; without it GATEWAY_URL, then the one that writes the recordings file",
    ),
    Setting(
        (
            "check", "routes", "move", "which", "history", "recordings", "show", "demos", "doctor", "drift",
            "healthcheck", "prune", "backup", "copy", "replay", "branch", "compare", "preflight", "diff", "import",
            "access", "audit",
            "redact", "reveal", "keys", "stats", "merge", "split", "trim", "tls",
        ),
        "--json", type="switch", default=False, help="print JSON in a stable shape",
    ),
    Setting(
        (
            "routes", "move", "annotate", "delete", "drift", "healthcheck", "prune", "replay", "branch", "compare",
            "preflight", "import", "access", "export", "docs", "redact", "reveal", "keys", "merge", "split", "trim",
        ),
        "--token", "", "text", "", "a token of that gateway, where it asks for one; better in GATEWAY_TOKEN",
        everywhere=True,
    ),
    Setting(("recordings", "history", "audit"), "--limit", "-n", "int", 50, "how many to list"),
    # ---- init ----------------------------------------------------------------------------------------------
    Setting(
        ("init",), "--from", "", "each", (),
        "make routes and forms from this OpenAPI 3.x or Arazzo document, HAR file or Postman collection; a file or "
        "a URL; repeatable", "SOURCE",
    ),
    Setting(("init",), "--prune", "", "switch", False, "delete made steps that the contract does not have any more"),
    # ---- drift ---------------------------------------------------------------------------------------------
    Setting(("drift",), "--cluster", "", "text", "", "only this cluster", "CLUSTER"),
    Setting(("drift",), "--env", "", "text", "", "only this environment", "ENV"),
    Setting(("drift",), "--since", "", "text", "", "only what was seen in so long a time, such as 2h", "TIME"),
    Setting(
        ("drift",), "--contract", "", "path", None,
        "compare with this file instead, and name what fits the present contract and not this one",
    ),
    Setting(
        ("drift",), "--fail-on", "", "text", "error", "exit 1 from this severity on",
        choices=("error", "warning", "info"),
    ),
    Setting(("drift",), "--coverage", "", "switch", False, "also list what of the contract was never seen"),
    Setting(("drift",), "--all", "", "switch", False, "also list what was accepted, and what is only information"),
    Setting(("drift",), "--junit", "", "path", None, "write a JUnit report to this file"),
    Setting(("drift",), "--sarif", "", "path", None, "write a SARIF 2.1.0 report to this file"),
    Setting(("drift",), "--markdown", "", "path", None, "write a Markdown report to this file"),
    Setting(("drift",), "--why", "", "text", "", "why a finding is accepted", "TEXT"),
    # ---- serve, run, demo ----------------------------------------------------------------------------------
    Setting(("serve", "run", "demo"), "--host", "-H", "text", "127.0.0.1", "the address to listen on", "ADDRESS"),
    Setting(
        ("serve", "run", "demo"), "--port", "-p", "int", 8080,
        "the port to listen on; 0 picks a free one and prints it", "PORT",
    ),
    Setting(("demo",), "--recordings", "-r", "path", None, "the file with the recordings (default: a new folder)"),
    Setting(("demo",), "--no-open", type="switch", default=False, help="do not open the browser"),
    Setting(
        ("serve",), "--routes-from", "", "text", "database",
        "where several gateways share a database: its routes, of which each routes.yaml is a mirror, or this "
        "machine's file alone", choices=("database", "file"),
    ),
    Setting(
        ("serve",), "--templates", "-t", "path", None,
        "a folder with your own demos and pages (default: templates beside routes.yaml)", "DIR",
    ),
    Setting(
        ("serve",), "--durability", "", "text", "strict",
        "what a client that saw a response may rely on: strict survives kill -9, fsync also a power cut, relaxed up to "
        "50 ms may be lost", choices=("strict", "relaxed", "fsync"),
    ),
    Setting(
        ("serve",), "--workers", "", "text", "1",
        "how many processes relay on the plain port, or auto for one on each core; with PostgreSQL one", "N",
    ),
    Setting(
        ("serve", "run", "demo"), "--trust-proxy", "", "list", ("loopback",),
        "a network of proxies whose Forwarded and X-Forwarded headers count, such as 10.0.0.0/8; loopback is this "
        "machine, none is nobody; repeatable", "CIDR",
    ),
    Setting(
        ("serve",), "--tls", "", "text", None, "serve HTTPS with a certificate of a local authority, made beside the "
        "recordings and limited to local names", choices=("auto",),
    ),
    Setting(
        ("serve",), "--tls-cert", "", "list", (),
        "serve HTTPS with this certificate, PEM with its chain; repeatable, chosen by server name", "FILE",
    ),
    Setting(("serve",), "--tls-key", "", "list", (), "the key of that certificate, in the same order", "FILE"),
    Setting(("serve",), "--tls-port", "", "int", 8443, "the port for HTTPS; 0 picks a free one and prints it", "PORT"),
    Setting(("serve",), "--tls-name", "", "list", (), "a further name of the certificate of --tls auto; repeatable"),
    Setting(
        ("serve",), "--plain", "", "text", None, "what the plain port does beside HTTPS: answer too, lead there, or "
        "nothing (default: keep on loopback, else redirect)", choices=("keep", "redirect", "off"),
    ),
    Setting(("tls",), "--authority", "", "switch", False, "with renew: make a new authority, to be trusted anew"),
    Setting(
        ("serve", "run"), "--allow-host", "", "list", (),
        "a further Host name by which the gateway is reached; repeatable", "NAME",
    ),
    Setting(
        ("serve",), "--any-host", "", "switch", False,
        "let proxied traffic pass under any Host name; on loopback only fixed names do, against DNS rebinding",
    ),
    Setting(("serve",), "--health-interval", "", "seconds", 5.0, "time between two health polls of an upstream"),
    Setting(("serve", "run"), "--no-health", "", "switch", False, "do not poll the upstreams' health and version"),
    Setting(("serve",), "--header-timeout", "", "seconds", 20.0, "time for a client to send a whole request head"),
    Setting(("serve",), "--keep-alive", "", "seconds", 75.0, "time that an idle client connection is kept"),
    Setting(("serve",), "--drain", "", "seconds", 10.0, "time that SIGTERM waits for exchanges under way"),
    Setting(
        ("serve", "run", "demo"), "--log-format", "", "text", "text", "how log lines look on stderr",
        choices=("text", "json"),
    ),
    Setting(
        ("serve", "run", "demo"), "--log-level", "", "text", "info", "the least severe log lines to print",
        choices=("debug", "info", "warning", "error"),
    ),
    Setting(
        ("serve", "run", "demo"), "--password", "", "text", "",
        "what operators sign in with, in clear or as gateway access hash prints it; better in GATEWAY_SERVE_PASSWORD",
    ),
    Setting(("serve", "run", "demo"), "--viewer-password", "", "text", "", "the same for viewers, who only look"),
    Setting(
        ("serve", "run", "demo"), "--console-port", "", "int", None,
        "a port of their own for console, API and demos, which proxied pages then cannot reach (HTTPS where the "
        "gateway speaks it); 0 picks a free one",
        "PORT",
    ),
    Setting(
        ("serve", "run", "demo"), "--sandbox-html", "", "switch", False,
        "send a Content-Security-Policy with proxied pages that keeps their scripts from console and cookies",
    ),
    Setting(
        ("serve", "demo", "demos"), "--allow-code", "", "switch", False,
        "run the Python modules that demos name beside demo.yaml, with all that this process may do",
    ),
    # ---- check, routes, move, which, history, schema -------------------------------------------------------
    Setting(("move",), "--dry-run", "", "switch", False, "show what would change, change nothing"),
    Setting(("move",), "--why", help="the reason, for the history and the audit of a running gateway"),
    # ---- recordings, show, annotate, delete ----------------------------------------------------------------
    Setting(("annotate",), "--title", help="the recording's title"),
    Setting(("annotate",), "--note", help="a note to add"),
    Setting(
        ("annotate",), "--tag", "", "list", (),
        "a tag to add; --tag=-TAG takes it away; recheck: check it again when a cluster moves; repeatable", "TAG",
    ),
    Setting(("annotate",), "--pin", "", "switch", False, "keep this recording from being tidied away"),
    Setting(("annotate",), "--unpin", "", "switch", False, "let it be tidied away again"),
    Setting(
        ("show",), "--correlations", "", "switch", False,
        "which value of which response a later request needs, and what the client says by itself",
    ),
    Setting(("show",), "--yaml", "", "switch", False, "with --correlations: what was decided, as YAML"),
    Setting(("show",), "--tree", "", "switch", False, "its replays and variants, theirs, and why they ended otherwise"),
    Setting(("show",), "--assertions", "", "switch", False, "what its steps must answer, and whether they did"),
    Setting(
        ("annotate",), "--assert", "", "each", (), "what a step must answer, such as 3:status=201, 3:$.total>=25, "
        "3:took<200ms or 3:schema; status alone: all steps as recorded; repeatable", "STEP:ASSERTION",
    ),
    Setting(("annotate",), "--unassert", "", "each", (), "take an assertion back; repeatable", "STEP:ASSERTION"),
    Setting(("annotate",), "--accept", "", "list", (), "a suggested correlation holds; repeatable", "ID"),
    Setting(("annotate",), "--reject", "", "list", (), "a correlation does not hold; repeatable", "ID"),
    Setting(
        ("annotate",), "--declare", "", "list", (),
        "a correlation of your own, such as 3:path.order_id=2:json:/id; repeatable", "BINDING",
    ),
    Setting(("annotate",), "--forget", "", "list", (), "take back what was decided; repeatable", "ID"),
    Setting(
        ("annotate",), "--decisions", "", "text", "",
        "take decisions from YAML, as show --correlations --yaml writes it; - is standard input", "FILE",
    ),
    Setting(
        ("annotate",), "--second-run", "", "text", "",
        "confirm what moved together in another recording of this chain, reject what stayed", "REC",
    ),
    Setting(("delete",), "--yes", "-y", "switch", False, "do not ask"),
    # ---- replay, branch, compare, diff ---------------------------------------------------------------------
    Setting(
        ("replay", "branch", "compare"), "--yes", "-y", "switch", False,
        "let writes pass whose guard says ask; what it says never to is never sent",
    ),
    Setting(
        ("replay", "branch", "preflight"), "--to", "", "list", (),
        "send a cluster's steps to this environment; repeatable", "CLUSTER=ENV",
    ),
    Setting(
        ("replay",), "--offline", "", "switch", False, "answered from the recording itself, with every upstream down"
    ),
    Setting(
        ("replay",), "--as-recorded", "", "switch", False, "send every step to the environment that answered it then"
    ),
    Setting(("replay", "preflight"), "--from", "", "int", None, "the first step to send"),
    Setting(("replay", "branch", "preflight"), "--until", "", "int", None, "the last step to send"),
    Setting(
        ("replay",), "--step", "", "switch", False,
        "ask before every step: send it, edit it, skip it, try the last one again, run on or up to a step, stop",
    ),
    Setting(
        ("replay", "compare"), "--only-assertions", "", "switch", False,
        "differences are shown, but only what was asserted about the recording decides",
    ),
    Setting(("replay",), "--stop-on-difference", "", "switch", False, "stop after the first step that really differs"),
    Setting(
        ("replay",), "--set", "", "each", (),
        "send something else, such as 3:json:/qty=2 or 2:path:4=978-9; repeatable", "STEP:PLACE=VALUE",
    ),
    Setting(
        ("branch",), "--set", "", "each", (),
        "send something else, such as json:/qty=2, or 4:json:/qty=2 at step 4; repeatable", "[STEP:]PLACE=VALUE",
    ),
    Setting(
        ("replay", "branch"), "--accept", "", "list", (), "bind a suggested correlation for this run; repeatable", "ID"
    ),
    Setting(
        ("replay", "branch"), "--declare", "", "each", (),
        "bind a value for this run, such as 3:path.order_id=2:json:/id; repeatable", "PLACE=SOURCE",
    ),
    Setting(
        ("replay", "branch"), "--yes-to", "", "list", (),
        "let this write go out with the recorded value that this run has otherwise; repeatable", "STEP",
    ),
    Setting(
        ("replay", "branch"), "--fresh", "", "list", (),
        "send a new value for this input, such as a name that must be unique, wherever it is sent; repeatable", "NAME",
    ),
    Setting(
        ("replay", "branch"), "--wait", "", "seconds", 30.0,
        "how long a poll is repeated until it has the recorded state; 0 = never",
    ),
    Setting(
        ("replay", "branch"), "--pace", "", "text", "fast", "send the steps at once, or as far apart as recorded",
        "fast|recorded",
    ),
    Setting(("branch",), "--list", "", "switch", False, "list ready what-ifs of the step, each as a command"),
    Setting(("branch",), "--unset", "", "each", (), "leave a place out, such as json:/qty; repeatable", "PLACE"),
    Setting(
        ("branch",), "--header", "", "each", (), "send this header; without a value, leave it out; repeatable",
        "'NAME: VALUE'",
    ),
    Setting(("branch",), "--env", "", "list", (), "send this one step to another environment", "CLUSTER=ENV"),
    Setting(("branch",), "--delay", "", "seconds", 0.0, "let its response come so much later"),
    Setting(
        ("branch",), "--status", "", "int", None,
        "answer it with this status; the upstream is not asked, unless its response is altered",
    ),
    Setting(
        ("branch",), "--alter", "", "each", (),
        "change its response, such as json:/price=0 or header:ETag=x; repeatable", "PLACE=VALUE",
    ),
    Setting(("branch",), "--drop", "", "each", (), "take a place out of its response, such as json:/id; repeatable",
            "PLACE"),
    Setting(("branch",), "--repeat", "", "switch", False, "send it twice"),
    Setting(("branch",), "--swap", "", "int", None, "let it change places with this step", "STEP"),
    Setting(
        ("compare",), "--env", "", "each", (), "the environments to compare a cluster on; repeatable",
        "CLUSTER=ENV,ENV",
    ),
    Setting(("replay", "branch"), "--title", "", "text", "", "the new recording's title"),
    Setting(("replay", "branch", "compare"), "--junit", "", "path", None, "also write JUnit XML for CI servers"),
    Setting(
        ("diff",), "--noise", "", "text", "", "another run of A: where it differs from A, every run may", "REC"
    ),
    Setting(("diff",), "--as", "", "text", "", "a diagram of both instead of words", "svg|mermaid|plantuml"),
    Setting(("diff",), "--output", "-o", "path", None, "the file to write the diagram to (default: print it)"),
    Setting(("diff",), "--all", "", "switch", False, "show what every run changes, too: ids, times and the like"),
    # ---- export --------------------------------------------------------------------------------------------
    Setting(
        ("export",), "--as", "", "text", "", "the format; --list shows them (default: by the suffix of --output, else "
        "mermaid)", "FORMAT",
    ),
    Setting(("export",), "--output", "-o", "path", None, "the file, folder or .zip to write (default: print it)"),
    Setting(("export",), "--cluster", "", "text", "", "this cluster only, where a format has a file per cluster"),
    Setting(("export",), "--with-variants", "", "switch", False, "the what-ifs of these recordings as well"),
    Setting(("export",), "--steps", "", "text", "", "only these steps: 12-40, 12- or 12", "FROM-UNTIL"),
    Setting(("export",), "--list", "", "switch", False, "list the formats"),
    Setting(("export",), "--json", "", "switch", False, "short for --as json; with --list, the list as JSON"),
    Setting(("docs",), "--output", "-o", "path", Path("site"), "the folder to write", "DIR"),
    Setting(("docs",), "--template", "", "path", None, "your own Jinja2 template, or a folder: document.*, index.*"),
    Setting(("docs",), "--without-variants", "", "switch", False, "leave the what-ifs out"),
    Setting(
        ("docs",), "--for", "", "text", None,
        "write what a tool publishes: mkdocs, docusaurus, backstage or confluence", "TOOL",
    ),
    Setting(
        ("docs",), "--check", "", "switch", False,
        "write nothing: say which pages of the folder are stale, and why; exit 1 when one is",
    ),
    Setting(
        ("import",), "--as", "", "text", "", "what the file is: bundle, har, postman, curl (default: found out)",
        "FORMAT",
    ),
    Setting(
        ("import",), "--files", "", "path", None,
        "the folder in which files may be read that an import names (curl's @file, Postman's uploads); never others",
        "DIR",
    ),
    # ---- demos ---------------------------------------------------------------------------------------------
    Setting(("demos",), "--templates", "-t", "path", None, "the folder with the demos", "DIR"),
    Setting(
        ("demos",), "--from", "", "text", "", "new: the recording, file or URL that the demo is made from", "REC",
    ),
    # ---- doctor, prune -------------------------------------------------------------------------------------
    Setting(
        ("doctor",), "--repair", "", "switch", False,
        "save what can be read of a damaged recordings file in a new one; the damaged one is kept beside it",
    ),
    Setting(("prune",), "--dry-run", "", "switch", False, "list what would be deleted, delete nothing"),
    Setting(("prune",), "--days", "", "int", None, "the greatest age of a recording (default: routes.yaml)"),
    Setting(("prune",), "--bytes", "", "text", None, "the greatest size of all together: 2GiB (default: routes.yaml)"),
    # ---- access --------------------------------------------------------------------------------------------
    Setting(
        ("access",), "--role", "", "text", None, "operator, who may change everything, or viewer, who looks (default: "
        "operator for add, viewer for link)", choices=("operator", "viewer"),
    ),
    Setting(("access",), "--ask", "", "switch", False, "with add: ask for a password instead of making a token"),
    # ---- merge, split, trim --------------------------------------------------------------------------------
    Setting(("merge", "split", "trim"), "--title", "", "text", "", "the new recording's title"),
    Setting(("merge",), "--append", "", "switch", False, "one after the other (default: by time)"),
    Setting(("trim",), "--from", "", "int", None, "the first step to keep"),
    Setting(("trim",), "--until", "", "int", None, "the last step to keep"),
    Setting(("trim",), "--without", "", "list", (), "a step to leave out; repeatable", "STEP"),
    # ---- redact, reveal, keys ------------------------------------------------------------------------------
    Setting(("redact",), "--dry-run", "", "switch", False, "list what would be masked, where and by which rule"),
    Setting(
        ("redact",), "--rules", "", "path", None,
        "a file with headers, json and query, or a routes.yaml with redact (default: the routes)",
    ),
    Setting(("redact",), "--yes", "-y", "switch", False, "do not ask"),
    Setting(("reveal",), "--why", "", "text", "", "what you need it for; the audit keeps it"),
    # ---- init, completion, healthcheck ---------------------------------------------------------------------
)  # fmt: skip


def settings_of(command: str) -> tuple[Setting, ...]:
    """The options of one command, in the order of the table."""
    return tuple(setting for setting in SETTINGS if command in setting.commands)


def from_environment(command: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What environment variables say about a command's options; UsageError names the variable that is off."""
    found = {}
    for setting in settings_of(command):
        variable = next((name for name in setting.variables(command) if name in environment), None)
        if variable is None:
            continue
        try:
            found[setting.name] = setting.read(environment[variable])
        except ValueError as error:
            raise UsageError(str(error), where=variable) from None
    return found


def unknown_variables(command: str, environment: Mapping[str, str]) -> list[str]:
    """A sentence for every variable that looks like an option of this command and is none."""
    known = [setting.variable(command) for setting in settings_of(command)]
    return [
        f"{name} is not a setting of 'gateway {command}'{did_you_mean(name, known)}"
        for name in sorted(environment)
        if name.startswith(f"GATEWAY_{command.upper()}_") and name not in known
    ]
