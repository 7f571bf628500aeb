"""Who stands in the training sentences: persons, shops, and people called by place, trade or relative."""

import random
from functools import lru_cache
from pathlib import Path

from munshi_inference.language.devanagari import to_devanagari

WORDS = Path(__file__).parent / "words"

Pieces = list[tuple[str, str]]
"""Pieces of text with their labels: `NAME`, `AMT`, `DAY`, `QTY`, `RATE`, `INV`, `OLD`, `O`."""


@lru_cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of a word file; one that begins with `3*` counts three times."""
    found: list[str] = []
    for line in (WORDS / f"{name}.txt").read_text(encoding="utf-8").strip().split("\n"):
        times, star, rest = line.partition("*")
        found += [rest] * int(times) if star and times.isdecimal() else [line]
    return tuple(found)


@lru_cache
def words(name: str) -> tuple[str, ...]:
    """The entries of a word file: between bars, or between spaces where a line has none; `_` is a space."""
    entries = (e for line in lines(name) for e in (line.split("|") if "|" in line else line.split()))
    return tuple(e.strip().replace("_", " ") for e in entries if e.strip())


def of_language(name: str, writing: str) -> str:
    """The word file of a kind in the language of a writing."""
    return f"{name}_en" if writing == "en" else name


def written(text: str, writing: str) -> str:
    """Latin letters in the script of a writing."""
    return to_devanagari(text) if writing == "deva" else text


def syllables(rng: random.Random) -> str:
    """A word that is no name anywhere: so the tagger learns names by their place."""
    onsets, vowels, codas = (line.split() for line in lines("syllables"))
    count = rng.choice([2, 2, 2, 3, 3])
    name = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(count)) + rng.choice(codas)
    return name.replace("-", "").capitalize()


def _first(rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.25:
        return syllables(rng)
    if choice < 0.3:
        return rng.choice(words("nicknames"))
    return rng.choice(words("first_names" if choice < 0.6 else "given_names"))


def _last(rng: random.Random) -> str:
    return rng.choice(words("last_names" if rng.random() < 0.5 else "family_names"))


def _shop(rng: random.Random) -> str:
    pattern = rng.choice(lines("shops"))
    for slot, source in (("{god}", "gods"), ("{adj}", "shop_adjectives")):
        pattern = pattern.replace(slot, rng.choice(words(source)))
    last = _last(rng) if rng.random() < 0.75 else syllables(rng)
    return pattern.replace("{last}", last).replace("{first}", _first(rng))


def _related(writing: str, rng: random.Random) -> str:
    """Somebody called by a relative: "Gudiya ke papa"."""
    return rng.choice(words(of_language("relatives", writing))).format(_first(rng))


def _devanagari_person(rng: random.Random) -> str:
    """A name spelled as Devanagari has it, not transliterated."""
    first = rng.choice(words("names_deva"))
    choice = rng.random()
    if choice < 0.65:
        return first
    last = rng.choice(words("last_names_deva"))
    return last if choice < 0.8 else f"{first} {last}"


def _role(writing: str, rng: random.Random) -> str:
    """Somebody called by place or trade: "kone wali aunty", "flat 302 wale uncle", "lady from B block"."""
    if rng.random() < 0.45:
        return rng.choice(words(of_language("roles", writing)))
    where = rng.choice(words(of_language("role_places", writing))).replace("{n}", str(rng.randint(1, 40)))
    who = rng.choice(words(of_language("role_people", writing)))
    if writing == "en":
        return _english_role(where, who, rng)
    link = rng.choice(["wale", "wala", "wali", "wale", "wale", "ki", "ka", "ke"])
    if link == "ki":
        who = rng.choice(["aunty", "bhabhi", "madam", "dadi"])
    elif link in {"ka", "ke"}:
        who = rng.choice(["ladka", "bhaiya", "uncle", "babu", "sir"])
    elif rng.random() < 0.12:
        who = ""
    return f"{where} {link} {who}".strip()


def _english_role(where: str, who: str, rng: random.Random) -> str:
    if rng.random() < 0.4:
        owner = rng.choice(
            ["boy", "man", "lady", "owner", "uncle", "guy", "people", "manager", "warden", "clerk"]
        )
        return f"{rng.choice(words('role_trades_en'))} {owner}"
    who = rng.choice(["", "", "", "old ", "tall ", "fat ", "new ", "young ", "thin "]) + who
    patterns = ("{0} from {1}", "{1} {0}", "the {0} from {1}", "the {0} of {1}", "{0} in {1}")
    return rng.choice(patterns).format(who, where).replace("the the", "the")


def _person(writing: str, rng: random.Random) -> str:
    """First name, last name or both, or a first name with a trade."""
    if writing == "deva" and rng.random() < 0.55:
        return _devanagari_person(rng)
    choice = rng.random()
    if choice < 0.6:
        return _first(rng)
    if choice < 0.78:
        return f"{_first(rng)} {_last(rng)}"
    if choice < 0.87:
        return _last(rng)
    if choice < 0.92:
        return _with_initials(writing, rng)
    return f"{_first(rng)} {rng.choice(words('second_names' if choice < 0.96 else 'trades'))}"


def _with_initials(writing: str, rng: random.Random) -> str:
    """ "R K Sharma", "S.K. Gupta", "P. Suresh"; in Devanagari the letters are written as they sound."""
    if writing == "deva":
        return f"{rng.choice(words('initials_deva'))} {rng.choice(words('last_names_deva'))}"
    letters = rng.sample("ABCDGHJKMNPRSTV", rng.choice([1, 2, 2]))
    joined = rng.choice(
        [" ".join(letters), ".".join(letters) + ".", "".join(letters), ". ".join(letters) + "."]
    )
    return f"{joined} {_last(rng) if rng.random() < 0.5 else _first(rng)}"


def _around(writing: str, rng: random.Random) -> tuple[str, str]:
    """What stands around a person's name and is no part of it: a title, an honorific."""
    title = rng.choice(words("titles")) if rng.random() < 0.04 else ""
    if rng.random() > (0.1 if writing == "en" else 0.3):
        return title, ""
    return title, rng.choice(["bhai", "ji"] if rng.random() < 0.35 else words("honorifics"))


def cased(text: str, rng: random.Random) -> str:
    """The text as typed: mostly as it is, often without capitals, sometimes all in capitals."""
    choice = rng.random()
    return text.lower() if choice < 0.3 else text.upper() if choice < 0.33 else text


def name(writing: str, rng: random.Random, variant: str = "") -> Pieces:
    """A name with what surrounds it. Variants: `supplier` (mostly shops), `person` (persons only)."""
    shop_share = {"supplier": 0.75, "person": 0.0}.get(variant, 0.12)
    choice = rng.random()
    if choice < shop_share:
        return [(written(cased(_shop(rng), rng), writing), "NAME")]
    if variant != "person" and choice < shop_share + 0.08:
        role = _role(writing, rng)
        if role.startswith("the ") and rng.random() < 0.5:
            return [("the ", "O"), (role[4:], "NAME")]
        return [(written(role if rng.random() < 0.7 else role.capitalize(), writing), "NAME")]
    if variant != "person" and choice < shop_share + 0.12:
        return [(written(cased(_related(writing, rng), rng), writing), "NAME")]
    title, honorific = _around(writing, rng)
    pieces: Pieces = [(written(title, writing) + " ", "O")] if title else []
    pieces.append((written(cased(_person(writing, rng), rng), writing), "NAME"))
    if honorific:
        pieces.append((" " + written(honorific, writing), "O"))
    return pieces
