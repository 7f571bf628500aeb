"""What the slots of the phrase files are filled with."""

import random

from munshi_inference.training import numbers
from munshi_inference.training.people import Pieces, lines, name, of_language, syllables, words, written

LABELS = {
    "amt": "AMT",
    "day": "DAY",
    "period": "DAY",
    "qty": "QTY",
    "count": "QTY",
    "rate": "RATE",
    "inv": "INV",
}
_MONTHS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "jun", "jul", "aug", "sept", "oct", "nov", "dec",
)  # fmt: skip
_WEEKDAYS = ("somvar", "mangalvar", "budhvar", "guruvar", "shukravar", "shanivar", "ravivar", "itvar")
_WEEKDAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FRACTIONS = ("aadha", "dedh", "dhai", "pav", "sawa")


def _pick(source: str, writing: str, rng: random.Random) -> str:
    return written(rng.choice(words(of_language(source, writing))), writing)


def _small(writing: str, rng: random.Random, low: int, high: int) -> str:
    n = rng.randint(low, high)
    if rng.random() < 0.2:
        deva = writing == "deva"
        return numbers.english_words(n, rng) if writing == "en" else numbers.hindi_words(n, deva, rng)
    return numbers.indic_digits(str(n)) if writing == "deva" and rng.random() < 0.3 else str(n)


def _item(writing: str, rng: random.Random) -> str:
    """A thing; now and then one that no list knows, or two."""
    choice = rng.random()
    if choice < 0.08:
        return written(syllables(rng).lower(), writing)
    one = _thing(writing, rng)
    if choice < 0.12:
        return f"{written(syllables(rng).lower(), writing)} {one}"
    if choice < 0.2:
        link = "and" if writing == "en" else written(rng.choice(["aur", "or", "aur", "+"]), writing)
        return f"{one} {link} {_thing(writing, rng)}"
    return f"{one}, {_thing(writing, rng)}" if choice < 0.24 else one


def _thing(writing: str, rng: random.Random) -> str:
    """Something sold; Hindi speakers say many goods in English."""
    source = "items" if rng.random() < 0.4 else "goods"
    english = writing == "hinglish" and rng.random() < 0.25
    return _pick(source, "en", rng) if english else _pick(source, writing, rng)


def _place(writing: str, rng: random.Random) -> str:
    """A market or a town."""
    if rng.random() < 0.5:
        return _pick("places", writing, rng)
    return written(rng.choice(words("cities")), writing)


def _quantity(writing: str, rng: random.Random) -> str:
    """ "3 kg", "2 peti", "half kilo"."""
    unit = _pick("units", writing, rng)
    if rng.random() < 0.08:
        part = rng.choice(["half", "a", "one"] if writing == "en" else _FRACTIONS)
        return f"{written(part, writing)} {unit}"
    count = _small(writing, rng, 1, rng.choice([5, 12, 60]))
    glue = "" if count[-1].isdigit() and rng.random() < 0.25 else " "
    return f"{count}{glue}{unit}"


def _weekday(writing: str, rng: random.Random) -> str:
    english = writing == "en" or rng.random() < 0.3
    return rng.choice(_WEEKDAYS_EN if english else _WEEKDAYS)


def _calendar(source: str, writing: str, rng: random.Random) -> str:
    """A phrase of time out of the word files `days`, `periods`, `dues`, `times`."""
    first, last = sorted(rng.sample(range(1, 31), 2))
    text = rng.choice(lines(of_language(source, writing))).format(
        n=rng.randint(1, 31),
        m=rng.randint(1, 12),
        h=rng.randint(1, 12),
        a=first,
        b=last,
        few=rng.randint(2, 9),
        count=rng.choice([2, 3, 5, 7, 10, 15, 20, 30, 45, 90]),
        month=rng.choice(_MONTHS),
        long_month=rng.choice(_MONTHS[:11]),
        early_month=rng.choice(_MONTHS[:5]),
        late_month=rng.choice(_MONTHS[5:11]),
        weekday=_weekday(writing, rng),
    )
    return written(text, writing)


def _invoice(rng: random.Random) -> str:
    """A bill number."""
    n = rng.randint(1, 9999)
    letters = rng.choice(["KS", "GT", "SE", "RM", "A", "B", "INV"])
    return rng.choice([str(n), str(n), f"INV-{n}", f"INV{n}", f"{letters}{n}", f"{letters}-{n}", f"{n}/26"])


def _phone(rng: random.Random) -> str:
    """A mobile number, as written."""
    digits = str(rng.randint(6, 9)) + "".join(rng.choice("0123456789") for _ in range(9))
    return rng.choice([digits, f"+91 {digits}", f"{digits[:5]} {digits[5:]}", f"+91{digits}", f"0{digits}"])


def _code(rng: random.Random) -> str:
    """A number that is a name: of a vehicle, a flight, a ticket, a password, a model."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWX") for _ in range(2))
    n = rng.randint(100, 9999)
    state = rng.choice(["DL", "MH", "UP", "HR", "TN", "KA", "GJ", "RJ", "WB", "AP", "KL", "BR"])
    return rng.choice(
        [
            f"{state} {rng.randint(1, 99):02} {letters} {n:04}",
            f"{state}{rng.randint(1, 99):02}{letters}{n:04}",
            f"{rng.choice(['6E', 'AI', 'SG', 'UK'])} {n}",
            f"{letters}-{n}",
            f"{letters}{n}",
            str(rng.randint(100000, 999999)),
            str(rng.randint(100000, 999999)),
            str(rng.randint(10000, 99999)),
            f"{n:04} {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}",
            f"{rng.randint(1, 99)}/{rng.randint(1, 99)}",
        ]
    )


def _measure(rng: random.Random) -> str:
    """A number with decimals that measures something: a temperature, a power of glasses, a score."""
    value = f"{rng.randint(0, 120)}.{rng.choice(['5', '25', '75', '4', '2', '8', '1', '6'])}"
    return rng.choice(["", "", "", "-", "+"]) + value


def _rate(writing: str, rng: random.Random) -> str:
    return numbers.amount(writing, rng, rng.choice([rng.randint(2, 99), rng.randint(2, 60) * 10]))


def fill(slot: str, variant: str, writing: str, rng: random.Random) -> Pieces:
    """The pieces of one slot. Raises `KeyError` for an unknown one."""
    if slot == "name":
        return name(writing, rng, variant)
    if slot == "oldname":
        return [(text, "OLD" if label == "NAME" else label) for text, label in name(writing, rng)]
    makers = {
        "amt": lambda: numbers.amount(writing, rng),
        "num": lambda: numbers.amount(writing, rng),
        "rate": lambda: _rate(writing, rng),
        "small": lambda: _small(writing, rng, 1, 60),
        "n": lambda: numbers.digits(numbers.amount_value(rng), rng),
        "count": lambda: _small(writing, rng, 2, rng.choice([5, 12, 40, 40, 300])),
        "qty": lambda: _quantity(writing, rng),
        "item": lambda: _item(writing, rng),
        "svc": lambda: _pick("services", writing, rng),
        "place": lambda: _place(writing, rng),
        "exp": lambda: _pick("expenses", writing, rng),
        "day": lambda: _calendar("days", writing, rng),
        "period": lambda: _calendar("periods", writing, rng),
        "oldday": lambda: _calendar("days", writing, rng),
        "due": lambda: _calendar("dues", writing, rng),
        "time": lambda: _calendar("times", writing, rng),
        "weekday": lambda: written(_weekday(writing, rng), writing),
        "phone": lambda: _phone(rng),
        "code": lambda: _code(rng),
        "measure": lambda: _measure(rng),
        "inv": lambda: _invoice(rng),
    }
    return [(makers[slot](), LABELS.get(slot, "O"))]
