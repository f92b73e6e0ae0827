"""What exchanges ask for by name, and which of them failed: tables beside them, filled behind the writer. I/O.

A filter compares words (`op:`) and failures inside a 2xx (`has:error`) with these tables; what they have not come to
yet is worked out for the query that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ...model.exchange import FailedWhen
from ...model.failures import Failed, failed_of
from ...model.filter import Term
from ...model.operations import Operation, operation_of
from ..sql import SqlConnection
from .rows import exchange_of

RulesOf: TypeAlias = Callable[[str], Sequence[FailedWhen]]  # of a cluster, as routes.yaml says it now
Named = tuple[Operation | None, Failed | None]

NAMED: Final = "coalesce((SELECT value FROM marks WHERE name = 'named'), 0)"
FORGET: Final = "DELETE FROM {} WHERE exchange = ?"
TABLES: Final = ("operations", "operation_words")
OF_WORD: Final = "SELECT exchange FROM operation_words WHERE word {} ?"
OF_NAME: Final = "SELECT exchange FROM contract_names WHERE word {} ?"
FAILED: Final = "SELECT exchange FROM operations WHERE failed <> ''"
WRONG: Final = (
    "SELECT seq FROM exchanges WHERE status >= 400 UNION ALL SELECT seq FROM exchanges WHERE failure_kind IS NOT NULL"
)

_SIGNS: Final = ("query=", "Action=", "extensions=", "documentId=", "doc_id=")  # of an operation in a URL


def no_rules(_cluster: str) -> Sequence[FailedWhen]:
    """For files whose routes nobody knows."""
    return ()


def write(connection: SqlConnection, rows: Iterable[Any], bodies: Mapping[bytes, bytes], rules: RulesOf) -> None:
    """The names of these exchanges, in place of what was known of them. Inside the writer's transaction."""
    for row in rows:
        operation, failed = named(row, bodies, rules)
        for table in TABLES:
            connection.execute(FORGET.format(table), (row["seq"],))
        if operation or failed:
            label, how = operation.label if operation else "", failed.how if failed else ""
            connection.execute("INSERT INTO operations VALUES (?, ?, ?)", (row["seq"], label, how))
        words = {(row["seq"], word.lower()) for word in (operation.words if operation else ())}
        connection.executemany("INSERT INTO operation_words VALUES (?, ?)", sorted(words))


def named(row: Any, bodies: Mapping[bytes, bytes], rules: RulesOf) -> Named:
    """(operation, failure inside a 2xx) of the exchange of a row; an open one has none yet."""
    if row["state"] == "open":
        return None, None
    of_cluster = rules(row["cluster"])
    asks = row["request_body"] or any(sign in row["target"] for sign in _SIGNS) or b"grpc" in row["request_head"]
    if not asks and not of_cluster:
        return None, None
    exchange = exchange_of(row, bodies)
    operation = operation_of(exchange.request)
    return operation, failed_of(exchange, operation, of_cluster) if operation or of_cluster else None


def by_contract(term: Term) -> tuple[str, list[Any]]:
    """The exchanges whose contract calls their operation so, as the inside of an IN; none for `has:error`."""
    if term.key == "has":
        return "SELECT NULL WHERE 1 = 0", []
    word = term.value.lower()
    if word == "contract":
        return "SELECT exchange FROM contract_names", []
    if "*" not in word:
        return OF_NAME.format("="), [word]
    return OF_NAME.format("GLOB"), [_glob(word)]


def _glob(word: str) -> str:
    return "".join(f"[{char}]" if char in "[?" else char for char in word)


def condition_of(term: Term) -> tuple[str, list[Any]]:
    """The exchanges in the tables that a term finds, as the inside of an IN."""
    if term.key == "has":
        return f"{FAILED} UNION ALL {WRONG}", []
    word = term.value.lower()
    if "*" not in word:
        return OF_WORD.format("="), [word]
    return OF_WORD.format("GLOB"), [_glob(word)]


def found_in(rows: Iterable[Any], bodies: Mapping[bytes, bytes], term: Term) -> Iterator[int]:
    """The numbers of those rows that a term finds, worked out on the spot; rules of clusters are not known here."""
    for row in rows:
        operation, failed = named(row, bodies, no_rules)
        if term.key == "has":
            wrong = failed or row["failure_kind"] or (row["status"] or 0) >= 400
        else:
            wrong = operation and operation.matches(term.value)
        if wrong:
            yield int(row["seq"])


def forget(connection: SqlConnection, recording: str) -> None:
    """Before its exchanges are deleted."""
    theirs = "(SELECT seq FROM exchanges WHERE recording = ?)"
    for table in TABLES:
        connection.execute(f"DELETE FROM {table} WHERE exchange IN {theirs}", (recording,))


def begin_anew(connection: SqlConnection) -> None:
    """The writer works all names out again, when it has nothing else to do."""
    connection.execute("DELETE FROM marks WHERE name = 'named'")
