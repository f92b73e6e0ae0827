"""One thing, one word: names of modules are nouns of the domain, and phrases that need a second reading stay out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(ROOT.glob("gateway/**/*.py"))
PROSE = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *MODULES, *ROOT.glob("templates/**/*.html")]
PROSE = sorted(file for file in PROSE if file.name != "CHANGELOG.md")

# Names that say nothing to a newcomer: pronouns, participles and pictures.
VAGUE = {
    "apart", "care", "composing", "deciding", "finding", "keeper", "keeping", "kept", "known", "learning", "looking",
    "making", "masked", "otherwise", "played", "playing", "said", "showing", "shown", "shows", "told", "trail",
    "trying", "twins", "way_back", "writing",
}  # fmt: skip

# Literary turns, each with what to write instead.
PHRASES = {
    r"what came of": "the result of",
    r"(?:had|have|has) (?:had )?(?:its|their) time": "past their retention limit",
    r"stands? beside": "is beside, belongs to",
    r"done otherwise": "changed",
    r"told apart": "distinguished",
    r"of one's own": "your own",
    r"the way back": "the link back",
    r"brings? (?:a recording )?to life": "replay",
    r"(?:as|while) one types": "while you type",
    r"with its why": "and says why",
    r"what is so now": "the current state",
    r"be there any": "even if there is none",
    r"stands? in the way of": "affects",
    r"good for (?:two|\d+) hours": "valid for two hours",
    r"at its word": "literally",
    r"when its time is over": "when it expires",
    r"nasty": "difficult",
    r"may do whatever": "has all the rights of",
    r"\bwhoever\b": "the user, anybody who",
    r"\bmarches\b": "moves",
    r"had better be": "should be",
    r"(?:is|are) told\b": "is shown, listed, reported",
    r"\btells? of\b": "describes, says about",
}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_module_is_named_by_a_noun_of_the_domain(file: Path) -> None:
    assert file.stem not in VAGUE


@pytest.mark.parametrize("file", PROSE, ids=lambda file: str(file.relative_to(ROOT)))
def test_prose_is_plain(file: Path) -> None:
    text = re.sub(r"\s+", " ", file.read_text("utf-8"))
    found = {phrase: better for phrase, better in PHRASES.items() if re.search(phrase, text, re.IGNORECASE)}
    assert found == {}, f"{file}: write plainly"


def test_every_word_of_the_contract_is_in_the_glossary() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    words = set(re.findall(r"\b[a-z-]+\b", " ".join(re.findall(r"(?m)^\| ([^|]+) \|", text))))
    wanted = {
        "cluster", "environment", "upstream", "route", "move", "pin", "session", "exchange", "recording", "step",
        "variant", "playback", "replay", "correlation", "difference", "demo", "what-if", "console", "header",
        "response", "outcome",
    }  # fmt: skip
    assert wanted <= words
