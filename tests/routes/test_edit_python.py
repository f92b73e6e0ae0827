"""A move into a Python file: one word, every other byte as it was."""

from __future__ import annotations

import ast

import pytest

from gateway.errors import ConfigError, NotFoundError
from gateway.routes.edit_python import splice_python


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ('cluster("a", qa="x", environment="qa")\n', 'cluster("a", qa="x", environment="dev")\n', 1),
        ("g.cluster('a', environment='qa')", "g.cluster('a', environment='dev')", 1),
        ('é = "é"; cluster("a", qa="é")\r\n', 'é = "é"; cluster("a", environment="dev", qa="é")\r\n', 1),
        ('cluster("b")\ncluster(\n    "a",\n    "http://x",\n)\n',
         'cluster("b")\ncluster(\n    "a",\n    "http://x", environment="dev",\n)\n', 4),
    ],
)  # fmt: skip
def test_one_word_changes_or_is_added(text: str, expected: str, line: int) -> None:
    changed = splice_python(text.encode(), "a", "dev", name="shop.py")
    assert (changed.raw.decode(), changed.line) == (expected, line)
    ast.parse(changed.raw)


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("for n in names: cluster(n)", NotFoundError, "with its name written out"),
        ('cluster("orders")', NotFoundError, "did you mean 'orders'?"),
        ('cluster("order", environment=HOME)', ConfigError, "worked out by the program"),
        ('cluster("order"', ConfigError, "never closed"),
    ],
)
def test_what_cannot_be_changed_says_why(text: str, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind) as caught:
        splice_python(text.encode(), "order", "dev", name="shop.py")
    assert why in str(caught.value)
