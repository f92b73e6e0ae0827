"""docs/demos.md names every key that demo.yaml may have, and its examples are valid.

Covers: demos/definition/parse_parts, demos/preview, demos/send.
"""

import re
from pathlib import Path

import pytest

from gateway.demos.definition.parse import DEMO_KEYS, STEP_KEYS, WHAT_IF_KEYS, parse_demo
from gateway.demos.definition.parse_parts import FIELD_KEYS
from gateway.demos.definition.schema import KINDS

DOCS = (Path(__file__).parents[2] / "docs" / "demos.md").read_text("utf-8")


def section(title):
    return DOCS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("Keys of a demo", DEMO_KEYS),
        ("Keys of a step", STEP_KEYS),
        ("Fields", (*FIELD_KEYS, *KINDS)),
        ("What-ifs", WHAT_IF_KEYS),
    ],
)
def test_every_key_is_documented(title, keys):
    missing = [key for key in keys if f"`{key}`" not in section(title)]
    assert missing == []


def test_the_example_is_valid():
    text = re.search(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[1]
    assert parse_demo(text.encode(), name="d", file="docs", files=["bookshop.svg"]).problems == ()
