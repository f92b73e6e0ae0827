"""The words of the pages: the table of old and new labels holds, and one act has one verb."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "gateway" / "static").glob("*.js"))
with (ROOT / "tests" / "data" / "console_words.tsv").open(encoding="utf-8", newline="") as table:
    WORDS = list(csv.DictReader(table, delimiter="\t"))


def words_of(file):
    """Without comments, white space as readers see it."""
    text = re.sub(r"\{#.*?#\}|^\s*//[^\n]*$", "", file.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("file", [*TEMPLATES, *SCRIPTS], ids=lambda file: str(file.relative_to(ROOT)))
def test_no_page_says_an_old_label(file):
    text = words_of(file)
    assert {row["old"]: row["new"] for row in WORDS if row["old"] in text} == {}


def test_the_table_has_a_new_label_for_every_old_one():
    assert len(WORDS) > 100
    assert all(row["where"] and row["old"] and row["new"] for row in WORDS)
    assert len({row["old"] for row in WORDS}) == len(WORDS)
