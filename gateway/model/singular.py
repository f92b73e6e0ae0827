"""English nouns in the singular, as names of paths and members use them: `movies` is about a movie. Pure.

The rules of the regular plural with the words that break them (Quirk et al., A Comprehensive Grammar of the English
Language, 5.73-5.103), and the Latin and Greek plurals that occur in APIs. A word that nothing here knows as a plural is
a singular.
"""

from __future__ import annotations

import re
from typing import Final

from .caches import remembered


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


IRREGULAR: Final = _pairs(
    "people:person children:child men:man women:woman feet:foot teeth:tooth geese:goose mice:mouse lice:louse "
    "oxen:ox dies:die pennies:penny ids:id "
    "indices:index vertices:vertex matrices:matrix appendices:appendix vortices:vortex codices:codex "
    "criteria:criterion phenomena:phenomenon bacteria:bacterium curricula:curriculum memoranda:memorandum "
    "addenda:addendum errata:erratum strata:stratum spectra:spectrum quanta:quantum symposia:symposium "
    "alumni:alumnus cacti:cactus fungi:fungus nuclei:nucleus radii:radius stimuli:stimulus syllabi:syllabus "
    "foci:focus loci:locus formulae:formula larvae:larva antennae:antenna vertebrae:vertebra schemata:schema "
    "axes:axis lenses:lens gases:gas quizzes:quiz irises:iris bureaux:bureau plateaux:plateau "
    "synopses:synopsis ellipses:ellipsis "
    "leaves:leaf shelves:shelf bookshelves:bookshelf wolves:wolf halves:half calves:calf knives:knife lives:life "
    "wives:wife thieves:thief loaves:loaf scarves:scarf elves:elf selves:self hooves:hoof dwarves:dwarf"
)

# Plurals that look as they do in the singular, and singulars that look like a plural.
SAME: Final = _set(
    "news series species data media metadata sheep fish aircraft software hardware equipment information feedback "
    "analytics physics mathematics maths economics politics logistics ethics genetics electronics robotics athletics "
    "alias canvas atlas bias christmas pancreas texas chaos kudos cosmos macos ios lens sms dns tls https css aws "
    "gps os pos mms saas paas iaas sas nas gas yes plus thus this his axis tennis iris debris metropolis trellis "
    "redis cannabis chassis corps headquarters means access process address business sass always pass goods "
    "res rss aws eks ecs sqs sns rds is was has does goes"
)

# Ends in -us, and is a plural all the same.
_IN_US: Final = _set(
    "menus submenus gurus cpus gpus tpus npus skus emus ecus haikus tutus caribous bayous gnus bureaus"
)
# The same for -is: most words in it are singulars, also in other languages (oasis, Preis, devis).
_IN_IS: Final = _set(
    "apis uris kpis guis clis uis pois emojis wikis taxis skis bikinis alibis safaris kiwis rabbis khakis minis "
    "semis yetis"
)
_IN_IES: Final = _set(
    "movies cookies zombies calories ties pies lies hoodies selfies rookies brownies smoothies genies prairies aunties "
    "goalies hippies junkies talkies newbies birdies eyries lingeries neckties magpies"
)
_IN_USES: Final = _set("uses reuses fuses muses excuses abuses ruses recluses accuses nooses")
_IN_ASES: Final = _set("aliases canvases biases atlases gases")
_IN_CHES: Final = _set("caches aches headaches niches avalanches psyches moustaches creches quiches pastiches attaches")
_IN_OES: Final = _set("shoes toes canoes oboes foes hoes aloes tiptoes horseshoes floes roes woes throes")
_GREEK: Final = re.compile(r"(?:ly|the|noe|hypothe|synthe|parenthe|cri|oa|diagno|progno|neuro|psycho|empha|me)ses$")
_BASES: Final = re.compile(r".*(?:eses|yses)$")


@remembered(8192)
def singular(word: str) -> str:
    """One of them: "orders" -> "order", "statuses" -> "status", "series" -> "series". `word` is in small letters."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in SAME or len(word) < 4 or not word.endswith("s"):
        return _short(word)
    if word.endswith("ies"):
        return word[:-1] if word in _IN_IES else f"{word[:-3]}y"
    if word.endswith("es"):
        return _in_es(word)
    if word.endswith("ss") or (word.endswith("us") and word not in _IN_US):
        return word
    if word.endswith("is") and word not in _IN_IS:
        return word
    return word[:-1]


def is_plural(word: str) -> bool:
    """Whether a word, in small letters, names several of something."""
    return singular(word) != word or word in ("data", "media", "series", "species", "news")


def _short(word: str) -> str:
    """Words of three letters are mostly no plurals, but for names of the trade."""
    return {"ips": "ip", "pcs": "pc", "vms": "vm", "dbs": "db", "faq": "faq"}.get(word, word)


def _in_es(word: str) -> str:
    without = word[:-2]
    if word.endswith(("shes", "sses", "xes", "tzes", "zzes")):
        return without
    if word.endswith("ches"):
        return word[:-1] if word in _IN_CHES else without
    if word.endswith("oes"):
        return word[:-1] if word in _IN_OES else without
    if word.endswith("ses"):
        return _in_ses(word)
    return word[:-1]


def _in_ses(word: str) -> str:
    """Statuses, viruses, aliases, analyses; but houses, cases, courses, databases."""
    if _BASES.fullmatch(word) or _GREEK.search(word):
        return word[:-1] if word.endswith("eeses") else f"{word[:-2]}is"
    if word.endswith("uses"):
        return word[:-1] if word in _IN_USES or word[-5] in "ao" else word[:-2]
    return word[:-2] if word in _IN_ASES else word[:-1]
