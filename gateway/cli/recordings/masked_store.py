"""The recordings as they may be shown: masked by the redaction rules of routes.yaml, however young. I/O."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigError, Problem
from ...keys import load_keys
from ...redact import Sealer
from ...routes.table import failed_when
from ...store import Mask, open_store
from ...store.sqlite.operations import no_rules

if TYPE_CHECKING:
    from ...routes.table import RedactRules, RouteTable
    from ...store import StoreReader

PARTS = ("headers", "json", "query")


def masked_store(args: argparse.Namespace) -> StoreReader:
    """What the console would show. Rules that cannot be read are reported: nothing is masked by them."""
    table = None
    try:
        table = table_of(args.routes, b"redact", b"failed_when")
    except ConfigError as error:
        print(
            f"gateway: warning: {args.routes} is invalid, its redact rules mask nothing here: {error}", file=sys.stderr
        )
    rules = table.redact if table else None
    of_cluster = partial(failed_when, table) if table else no_rules
    if rules is None or not args.recordings.exists():
        return open_store(args.recordings, rules=of_cluster)
    sealer = Sealer(load_keys(args.recordings.parent, os.environ))
    return open_store(args.recordings, Mask(lambda: rules, sealer.seal, sealer.seal_chunk), of_cluster)


def rules_of(file: Path) -> RedactRules | None:
    """The `redact` section of a routes.yaml; None when it has none, or there is no such file."""
    table = table_of(file, b"redact")
    return table.redact if table else None


def table_of(file: Path, *words: bytes) -> RouteTable | None:
    """The table of a routes.yaml; None where it has none of the words, or there is no such file."""
    try:
        text = file.read_bytes()
        if not any(word in text for word in (*words, b"include")):
            return None  # most have none: nothing need be loaded that knows how to read them
    except OSError:
        return None
    from ...routes import load  # brings pydantic and YAML along

    loaded = load(file, environ=os.environ, name=str(file))
    if loaded.table is None:
        raise ConfigError(loaded.problems)
    return loaded.table


def rules_in(file: Path) -> RedactRules:
    """The rules of a file: a routes.yaml with `redact`, or only headers, json and query. ConfigError, OSError."""
    import yaml

    try:
        found = yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise _wrong(file, f"not YAML: {error}") from None
    if isinstance(found, dict) and "clusters" in found:
        rules = rules_of(file)
        if rules is None:
            raise _wrong(file, "it has no redact section")
        return rules
    section = found.get("redact", found) if isinstance(found, dict) else found
    return _read(file, section)


def _read(file: Path, section: object) -> RedactRules:
    from pydantic import ValidationError

    from ...routes.patterns import problem_of
    from ...routes.schema import RedactConfig
    from ...routes.table import redact_rules

    try:
        config = RedactConfig.model_validate(section)
    except ValidationError as error:
        raise _wrong(
            file, "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        ) from None
    for path in config.json_paths:
        if problem := problem_of(path):
            raise _wrong(file, f"json: {problem}")
    return redact_rules(config)


def _wrong(file: Path, message: str) -> ConfigError:
    return ConfigError(
        [Problem(str(file), 1, 1, "redact", message)], hint="headers: [...], json: ['$..iban'], query: [...]"
    )
