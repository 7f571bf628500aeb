"""What the slots of the phrase files are filled with: names, shops, roles, things, days, amounts."""

import random
from functools import lru_cache
from pathlib import Path

from munshi_inference.training import numbers
from munshi_inference.training.devanagari import to_devanagari

WORDS = Path(__file__).parent / "words"
_ONSETS = "k kh g gh ch j jh t th d dh n p ph b bh m y r l v s sh h br pr kr tr sr".split()
_VOWELS = "a aa i ee u oo e ai o au a a i u".split()
_CODAS = ["", "", "", "n", "r", "l", "sh", "m", "t", "k", "d", "v", "sha", "na", "ra", "ya", "ni", "ti", "ndra", "nder"]


@lru_cache
def words(name: str) -> tuple[str, ...]:
    """A word list: entries split by bars, or by spaces where there are none."""
    lines = (WORDS / f"{name}.txt").read_text(encoding="utf-8").strip().split("\n")
    if name == "shops":
        return tuple(lines)
    return tuple(w.strip() for line in lines for w in (line.split("|") if "|" in line else line.split()) if w.strip())


def _syllables(rng: random.Random) -> str:
    """A word that is no name anywhere: so the tagger learns names by their place."""
    count = rng.choice([2, 2, 2, 3, 3])
    name = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(count)) + rng.choice(_CODAS)
    return name.capitalize()


_RELATED = {
    "en": ["{}'s father", "{}'s mother", "{}'s wife", "{}'s brother", "{}'s son", "{} mother", "{} from the bank"],
    "hi": ["{} ke papa", "{} ki mummy", "{} ki maa", "{} ka beta", "{} ka bhai", "{} ki biwi", "{} ke chacha", "{} ka ladka"],
}


def _related(writing: str, rng: random.Random) -> str:
    """Somebody called by a relative: "Gudiya ke papa"."""
    return rng.choice(_RELATED["en" if writing == "en" else "hi"]).format(_first(rng))


def _devanagari_person(rng: random.Random) -> str:
    """A name spelled as in Devanagari newspapers, not transliterated."""
    first = rng.choice(words("names_deva"))
    choice = rng.random()
    if choice < 0.65:
        return first
    last = rng.choice(words("last_names_deva"))
    return last if choice < 0.8 else f"{first} {last}"


def _first(rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.25:
        return _syllables(rng)
    return rng.choice(words("nicknames" if choice < 0.31 else "first_names"))


def _shop(rng: random.Random) -> str:
    pattern = rng.choice(words("shops"))
    for slot, source in (("{god}", "gods"), ("{adj}", "shop_adjectives")):
        pattern = pattern.replace(slot, rng.choice(words(source)))
    return pattern.replace("{last}", rng.choice(words("last_names")) if rng.random() < 0.75 else _syllables(rng)).replace(
        "{first}", _first(rng)
    )


def _role(writing: str, rng: random.Random) -> str:
    """Somebody called by place or trade: "kone wali aunty", "flat 302 wale uncle", "the lady from B block"."""
    if rng.random() < 0.45:
        return rng.choice(words("roles_en" if writing == "en" else "roles"))
    n = rng.randint(1, 40)
    if writing == "en":
        who = rng.choice("uncle aunty lady boy man madam sir girl grandmother guy teacher family owner".split())
        who = rng.choice(["", "", "", "old ", "tall ", "fat ", "new ", "young ", "thin "]) + who
        where = rng.choice([f"flat {n}", f"shop {n}", f"house {n}", "B block", "2nd floor", "ground floor", "next door", "corner house", "the temple", "the hostel",
                            "the school", "the bank", "main road", "the garage", "opposite shop", "the bakery", "first lane", f"{rng.choice(words('last_names'))} colony"])  # fmt: skip
        trade = rng.choice("tea stall,tea shop,milk,paper,hotel,hostel,canteen,school,temple,cycle shop,medical,bakery,fish,fruit,vegetable,courier,bank,garage,hardware shop,salon,petrol pump,cable,site,dhaba,office".split(","))
        if rng.random() < 0.4:
            return f"{trade} {rng.choice('boy man lady owner uncle aunty guy sir people manager warden clerk'.split())}"
        return rng.choice([f"{who} from {where}", f"{where} {who}", f"the {who} from {where}", f"the {who} of {where}", f"{who} in {where}"]).replace("the the", "the")
    where = rng.choice("gali kone samne upar neeche pados mandir school station bazaar gaon colony chowk nukkad bank masjid hostel thane makan garage nahar chakki quarter mill bagal pichhe".split()
                       + [f"number {n}", f"{n} number", f"flat {n}", f"flat {n * 10 + 1}", f"room no {n}", f"room {n}", f"{n} number makan", "pehli manzil", "doosri manzil", "teesri manzil", "B block", "lal makan", "neem ke ped", "chai", "doodh",
                          "sabzi", "gas", "tempo", "rickshaw", "murgi", "anda", "phool", "pani puri", "chaat", "juice", "bartan", "kapde"])  # fmt: skip
    who = rng.choice(["", "", "bhaiya", "aunty", "didi", "uncle", "chacha", "ladka", "madam", "babu", "bhabhi", "dadi", "amma", "sir", "bhai", "kaka", "log"])
    link = rng.choice(["wale", "wala", "wali", "wale", "wale", "ki", "ka", "ke"])
    if link in {"ki", "ka", "ke"}:
        who = rng.choice(["aunty", "bhabhi", "madam", "dadi"] if link == "ki" else ["ladka", "bhaiya", "uncle", "babu", "sir"])
    return f"{where} {link} {who}".strip()


def person(writing: str, rng: random.Random) -> tuple[str, str, str]:
    """A person: what stands before the name (a title), the name, what stands after (an honorific)."""
    choice = rng.random()
    if choice < 0.6:
        name = _first(rng)
    elif choice < 0.78:
        name = f"{_first(rng)} {rng.choice(words('last_names'))}"
    elif choice < 0.92:
        name = rng.choice(words("last_names"))
    elif choice < 0.96:
        name = f"{_first(rng)} {rng.choice(['Kumar', 'Lal', 'Singh', 'Devi', 'Ram', 'Bai', 'Ali', 'Khan', 'Prasad', 'Das'])}"
    else:
        name = f"{_first(rng)} {rng.choice(['halwai', 'darji', 'mistri', 'dhobi', 'driver', 'tailor', 'electrician', 'master', 'pandit', 'plumber', 'wala', 'doodhwala', 'contractor', 'mechanic', 'thekedar', 'chaiwala'])}"
    title = rng.choice(words("titles")) if rng.random() < 0.04 else ""
    share = 0.1 if writing == "en" else 0.3
    honorific = rng.choice(words("honorifics")) if rng.random() < share else ""
    if honorific and rng.random() < 0.35:
        honorific = rng.choice(["bhai", "ji"])
    return title, name, honorific


def name(writing: str, rng: random.Random, variant: str = "") -> list[tuple[str, str]]:
    """Pieces of a name with their labels: of a person mostly, a shop or a role now and then."""
    choice = rng.random()
    shop_share = {"supplier": 0.75, "": 0.12, "person": 0.0}.get(variant, 0.12)
    if choice < shop_share:
        return [(_written(_cased(_shop(rng), rng), writing), "NAME")]
    if choice < shop_share + (0.06 if variant != "person" else 0.0):
        role = _role(writing, rng)
        if role.startswith("the ") and rng.random() < 0.5:
            return [("the ", "O"), (role[4:], "NAME")]
        return [(_written(role if rng.random() < 0.7 else role.capitalize(), writing), "NAME")]
    if variant != "person" and rng.random() < 0.03:
        return [(_written(_cased(_related(writing, rng), rng), writing), "NAME")]
    title, given, honorific = person(writing, rng)
    if writing == "deva" and rng.random() < 0.55:
        given = _devanagari_person(rng)
    pieces: list[tuple[str, str]] = []
    if title:
        pieces.append((_written(title, writing) + " ", "O"))
    pieces.append((_written(_cased(given, rng), writing), "NAME"))
    if honorific:
        pieces.append((" " + _written(honorific, writing), "O"))
    return pieces


def _cased(text: str, rng: random.Random) -> str:
    choice = rng.random()
    return text.lower() if choice < 0.3 else text.upper() if choice < 0.33 else text


def _written(text: str, writing: str) -> str:
    return to_devanagari(text) if writing == "deva" else text


def _pick(source: str, writing: str, rng: random.Random) -> str:
    name_ = f"{source}_en" if writing == "en" else source
    return _written(rng.choice(words(name_)), writing)


def _item(writing: str, rng: random.Random) -> str:
    """A thing; now and then one that no list knows, or two."""
    choice = rng.random()
    if choice < 0.08:
        return _written(_syllables(rng).lower(), writing)
    one = _pick("items", writing, rng)
    if choice < 0.16:
        return f"{one} {_written(rng.choice(['and'] if writing == 'en' else ['aur', 'or', 'aur', '+']), writing)} {_pick('items', writing, rng)}"
    if choice < 0.2:
        return f"{one}, {_pick('items', writing, rng)}"
    return one


def _small(writing: str, rng: random.Random, low: int, high: int) -> str:
    n = rng.randint(low, high)
    if rng.random() < 0.2:
        if writing == "en":
            return numbers.english_words(n, rng)
        return numbers.hindi_words(n, writing == "deva", rng)
    if writing == "deva" and rng.random() < 0.3:
        return str(n).translate({ord("0") + i: chr(0x0966 + i) for i in range(10)})
    return str(n)


def quantity(writing: str, rng: random.Random) -> str:
    """"3 kg", "2 peti", "half kilo"."""
    unit = _pick("units", writing, rng)
    choice = rng.random()
    if choice < 0.08:
        return _written(rng.choice(["aadha", "dedh", "dhai", "pav", "sawa"] if writing != "en" else ["half", "a", "one"]) + " " + unit, writing)
    amount = _small(writing, rng, 1, rng.choice([5, 12, 60]))
    glue = "" if amount[-1].isdigit() and rng.random() < 0.25 else " "
    return f"{amount}{glue}{unit}"


_MONTHS = "january february march april june july august september october november december jan feb april jun jul aug sept oct nov dec".split()
_WEEKDAYS = "somvar mangalvar budhvar guruvar shukravar shanivar ravivar itvar monday tuesday wednesday thursday friday saturday sunday".split()


def day(writing: str, rng: random.Random) -> str:
    """A day in the past or today."""
    n = rng.randint(1, 31)
    if writing == "en":
        return rng.choice([
            "today", "today", "today", "yesterday", "yesterday", "day before yesterday", f"on {rng.choice(_WEEKDAYS[8:])}",
            f"last {rng.choice(_WEEKDAYS[8:])}", f"on {n}th", f"on the {n}th", f"{n}th {rng.choice(_MONTHS)}", f"{n} {rng.choice(_MONTHS)}",
            f"on {rng.choice(_MONTHS)} {n}", f"{n}/{rng.randint(1, 12)}", f"{n}/{rng.randint(1, 12)}/2026", f"{rng.randint(2, 9)} days ago", "this morning",
            "todays", "yesterday evening",
        ])  # fmt: skip
    text = rng.choice([
        "aaj", "aaj", "aaj", "aaj", "kal", "kal", "kal", "parso", "aaj subah", "kal sham", "kal raat", "aj", f"{n} tarikh ko",
        f"{rng.choice(_WEEKDAYS[:8])} ko", f"{n} {rng.choice(_MONTHS)} ko", f"{n}/{rng.randint(1, 12)}", f"{rng.randint(2, 9)} din pehle",
        f"{n} tareekh ko", f"pichhle {rng.choice(_WEEKDAYS[:8])}", "narso", f"{rng.choice(_WEEKDAYS[8:])} ko",
    ])  # fmt: skip
    return _written(text, writing)


def due(writing: str, rng: random.Random) -> str:
    """A day ahead, on which something is promised."""
    n = rng.randint(1, 31)
    if writing == "en":
        return rng.choice([
            "tomorrow", "next week", f"on {n}th", f"by {rng.choice(_WEEKDAYS[8:])}", "next month", f"on the {n}th", f"by {n} {rng.choice(_MONTHS)}",
            "in two days", f"on {rng.choice(_WEEKDAYS[8:])}", "after a week", "month end", "by evening", "later", "after salary",
        ])  # fmt: skip
    text = rng.choice([
        "kal", "parso", "agle hafte", f"{n} tarikh ko", f"{n} tarikh tak", f"agle {rng.choice(_WEEKDAYS[:8])}", "agle mahine", "shaam ko", "baad mein",
        f"{n} tareekh ko", "do din baad", f"{rng.randint(2, 10)} din mein", "mahine ke end mein", "tankha milne par", "baad me", f"{rng.choice(_WEEKDAYS)} ko", "fasal ke baad", "diwali ke baad",
    ])  # fmt: skip
    return _written(text, writing)


def period(writing: str, rng: random.Random) -> str:
    """Several days."""
    a, b = sorted(rng.sample(range(1, 31), 2))
    month = rng.choice(_MONTHS)
    count = rng.choice([2, 3, 5, 7, 10, 15, 20, 30, 45, 90])
    if writing == "en":
        return rng.choice([
            "this week", "this month", "this week", "this month", "last week", "last month", "last week", "last month", "this year", "last year",
            "past week", "previous month", f"last {count} days", f"past {count} days", "last two weeks", "last 3 months",
            f"from {a} to {b} {month}", f"{a} to {b} {month}", f"from {a}th to {b}th", f"between {a} and {b} {month}",
            f"{a} {month} to {b} {month}", f"in {rng.choice(_MONTHS[:11])}", f"for {rng.choice(_MONTHS[:11])}", "since monday", "the whole month",
            "this week so far", "the week", "this fortnight", "the last fortnight", "month to date", "month till date", "this week till now", "so far this month", "past fortnight", "weekly", "monthly", f"{a}/{rng.randint(1, 12)} to {b}/{rng.randint(1, 12)}", "this month till now", "monday to saturday",
        ])  # fmt: skip
    text = rng.choice([
        "is hafte", "is mahine", "is hafte", "is mahine", "pichhle hafte", "pichle mahine", "pichle hafte", "pichhle mahine", "is saal",
        "pichhle saal", "is week", "is month", "last week", "last month", f"pichhle {count} din", f"last {count} din", f"pichle {count} dino",
        f"{a} se {b} tarikh", f"{a} se {b} tarikh tak", f"{a} tarikh se {b} tarikh tak", f"{a} se {b} {month}", f"{a} {month} se {b} {month}",
        f"{rng.choice(_MONTHS[:11])} mahine", f"{rng.choice(_MONTHS[:11])}", "pichhle do hafte", "pichhle teen mahine", "poore mahine", "poore hafte", "gaye hafte", "gaye mahine",
        "somvar se aaj tak", f"{a} tarikh se aaj tak", "is hafte ab tak", "is mahine abhi tak", "hafte bhar", "mahine bhar", "chalu mahine",
    ])  # fmt: skip
    return _written(text, writing)


def invoice(rng: random.Random) -> str:
    """A bill number."""
    n = rng.randint(1, 9999)
    return rng.choice([str(n), str(n), f"INV-{n}", f"INV{n}", f"{rng.choice('ABCDGKRS')}{n}", f"{rng.choice(['KS', 'GT', 'SE', 'RM'])}-{n}", f"{n}/26", f"A/{n}", f"2026-{n}"])


def phone(rng: random.Random) -> str:
    """A mobile number, as written."""
    digits = str(rng.randint(6, 9)) + "".join(rng.choice("0123456789") for _ in range(9))
    return rng.choice([digits, f"+91 {digits}", f"{digits[:5]} {digits[5:]}", f"+91{digits}", f"0{digits}"])


def clock(writing: str, rng: random.Random) -> str:
    """A time of day."""
    hour = rng.randint(1, 12)
    if writing == "en":
        return rng.choice([f"{hour} pm", f"{hour}am", f"{hour}:30", f"{hour} o'clock", f"{hour}:15 pm", f"{hour}.30 am"])
    return _written(rng.choice([f"{hour} baje", f"{hour}:30", f"{hour} bje", f"sham {hour} baje", f"subah {hour} baje"]), writing)


def fill(slot: str, variant: str, writing: str, rng: random.Random) -> list[tuple[str, str]]:
    """Pieces of text with labels (`NAME`, `AMT`, `INV`, `O`) for one slot. Raises `KeyError` for an unknown one."""
    if slot == "name":
        return name(writing, rng, variant)
    if slot == "oldname":
        return [(text, "OLD" if label == "NAME" else label) for text, label in name(writing, rng)]
    if slot == "amt":
        return [(numbers.amount(writing, rng), "AMT")]
    plain = {
        "num": lambda: numbers.amount(writing, rng),
        "rate": lambda: numbers.amount(writing, rng, rng.choice([rng.randint(2, 99), rng.randint(2, 60) * 10])),
        "due": lambda: due(writing, rng),
        "count": lambda: _small(writing, rng, 2, rng.choice([5, 12, 40])),
        "small": lambda: _small(writing, rng, 1, 60),
        "item": lambda: _item(writing, rng),
        "exp": lambda: _pick("expenses", writing, rng),
        "qty": lambda: quantity(writing, rng),
        "day": lambda: day(writing, rng),
        "period": lambda: period(writing, rng),
        "phone": lambda: phone(rng),
        "time": lambda: clock(writing, rng),
        "role": lambda: _pick("roles", writing, rng),
        "syll": lambda: _written(_syllables(rng), writing),
        "weekday": lambda: _written(rng.choice(_WEEKDAYS[8:] if writing == "en" else _WEEKDAYS), writing),
    }
    labels = {"day": "DAY", "period": "DAY", "qty": "QTY", "count": "QTY", "rate": "RATE"}
    if slot == "inv":
        return [(invoice(rng), "INV")]
    return [(plain[slot](), labels.get(slot, "O"))]
