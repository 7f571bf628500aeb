"""Numbers as people write them, for training sentences: digits, commas, k, lakh, words in many spellings."""

import random

from munshi_inference.language import number_words as nw

_SPELLINGS: dict[int, list[str]] = {}
for _line in nw.HINDI_SOURCE.split("\n"):
    if _line:
        _value, *_words = _line.split()
        _SPELLINGS[int(_value)] = _words

_ENGLISH = {
    int(line.split()[0]): line.split()[1]
    for line in (nw.ENGLISH_ONES_SOURCE + nw.ENGLISH_TENS_SOURCE).split("\n")
    if line
}
_SCALES = {
    "deva": {100: ["सौ"], 1000: ["हज़ार", "हजार"], 100000: ["लाख"]},
    "latin": {100: ["sau", "so"], 1000: ["hazaar", "hazar", "hajar"], 100000: ["lakh", "lac"]},
}


def _ones(n: int, deva: bool, rng: random.Random) -> str:
    words = [w for w in _SPELLINGS[n] if w.isascii() != deva]
    return words[0] if rng.random() < 0.6 else rng.choice(words)


def hindi_words(n: int, deva: bool, rng: random.Random) -> str:
    """A whole number below a crore in Hindi words, with dedh, dhai, sawa, sadhe, paune where they fit."""
    scales = _SCALES["deva" if deva else "latin"]

    def scale(s: int) -> str:
        return rng.choice(scales[s])

    quarters = {"q1": ("सवा", "sawa"), "q2": ("साढ़े", "sadhe"), "q3": ("पौने", "paune")}
    halves = {3: ("डेढ़", "dedh"), 5: ("ढाई", "dhai")}
    for unit in (100000, 1000, 100):
        if n % unit and n * 4 % unit == 0 and unit <= n < unit * 100 and rng.random() < 0.75:
            doubled = n * 2 // unit if n * 2 % unit == 0 else 0
            if doubled in halves:
                return f"{halves[doubled][not deva]} {scale(unit)}"
            whole, rest = divmod(n * 4 // unit, 4)
            if rest == 1:
                head = "" if whole == 1 else _ones(whole, deva, rng) + " "
                return f"{quarters['q1'][not deva]} {head}{scale(unit)}"
            if rest == 2 and whole >= 3:
                return f"{quarters['q2'][not deva]} {_ones(whole, deva, rng)} {scale(unit)}"
            if rest == 3 and 1 <= whole < 99:  # nobody counts quarters up to a hundred
                return f"{quarters['q3'][not deva]} {_ones(whole + 1, deva, rng)} {scale(unit)}"
    if 1100 <= n <= 1900 and n % 100 == 0 and rng.random() < 0.4:
        return f"{_ones(n // 100, deva, rng)} {scale(100)}"
    parts: list[str] = []
    rest = n
    for unit in (100000, 1000, 100):
        count, rest = divmod(rest, unit)
        if count:
            bare = count == 1 and not parts and rng.random() < 0.3
            parts.append(
                scale(unit) if bare and scale(unit) != "so" else f"{_ones(count, deva, rng)} {scale(unit)}"
            )
    if rest or not parts:
        parts.append(_ones(rest, deva, rng))
    return " ".join(parts)


def english_words(n: int, rng: random.Random) -> str:
    """A whole number below a crore in English words, the Indian way."""

    def below_hundred(m: int) -> str:
        if m <= 20 or m % 10 == 0:
            return _ENGLISH[m]
        return _ENGLISH[m // 10 * 10] + rng.choice([" ", "-"]) + _ENGLISH[m % 10]

    if 1100 <= n <= 1900 and n % 100 == 0 and rng.random() < 0.6:
        return f"{_ENGLISH[n // 100]} hundred"
    parts: list[str] = []
    rest = n
    for unit, name in ((100000, "lakh"), (1000, "thousand"), (100, "hundred")):
        count, rest = divmod(rest, unit)
        if count:
            head = "a" if count == 1 and not parts and rng.random() < 0.2 else below_hundred(count)
            parts.append(f"{head} {name}")
    if rest:
        parts.append(("and " if parts and rng.random() < 0.4 else "") + below_hundred(rest))
    return " ".join(parts)


def amount_value(rng: random.Random) -> int:
    """A plausible amount, small ones most often."""
    kind = rng.random()
    if kind < 0.1:
        return rng.randint(2, 99)
    if kind < 0.25:
        return rng.choice([10, 20, 30, 40, 50, 60, 70, 75, 80, 90, 25, 35, 45])
    if kind < 0.5:
        return rng.randint(1, 20) * 50
    if kind < 0.65:
        return rng.randint(100, 999)
    if kind < 0.8:
        return rng.randint(2, 99) * 100
    if kind < 0.88:
        return rng.randint(1000, 9999)
    if kind < 0.95:
        return rng.randint(1, 99) * 1000
    return rng.choice([rng.randint(1, 30) * 50000, rng.randint(10000, 999999), rng.randint(1, 9) * 125000])


def _grouped(n: int) -> str:
    text = str(n)
    if len(text) <= 3:
        return text
    head, tail = text[:-3], text[-3:]
    groups: list[str] = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail])


def indic_digits(text: str) -> str:
    """The same digits in Devanagari."""
    return text.translate({ord("0") + i: chr(0x0966 + i) for i in range(10)})


def digits(n: int, rng: random.Random) -> str:
    """Digits, with commas or with `k`, `lakh`, decimals now and then."""
    choice = rng.random()
    if n >= 1000 and choice < 0.3:
        return _grouped(n)
    if n >= 1000 and n % 500 == 0 and n < 100000 and choice < 0.42:
        return f"{n / 1000:g}{rng.choice(['k', 'K', ' k', 'k'])}"
    if n >= 100000 and n % 25000 == 0 and choice < 0.7:
        return f"{n / 100000:g} {rng.choice(['lakh', 'lac', 'lakh', 'lakhs'])}"
    if n >= 1000 and n % 1000 == 0 and n < 100000 and choice < 0.52:
        return f"{n // 1000} {rng.choice(['hazar', 'hazaar', 'hajar', 'hzr', 'thousand'])}"
    if n < 3000 and choice > 0.95:
        return f"{n}.{rng.choice(['50', '00', '25', '75', '5'])}"
    return str(n)


def amount(writing: str, rng: random.Random, value: int | None = None) -> str:
    """One amount in a writing: `deva`, `hinglish` or `en`."""
    n = amount_value(rng) if value is None else value
    deva = writing == "deva"
    choice = rng.random()
    if choice < (0.12 if writing == "en" else 0.3):
        words = english_words(n, rng) if writing == "en" else hindi_words(n, deva, rng)
        if n < 10 and words.count(" ") == 0:
            words += {"deva": " रुपये", "en": " rupees"}.get(writing, " rupaye")
        elif rng.random() < 0.25:
            words += {"deva": rng.choice([" रुपये", " रुपए", " रु"]), "en": " rupees"}.get(
                writing, rng.choice([" rupaye", " rupay", " rs", " rupees", " rupe", " ruppe"])
            )
        return words
    if value is None and choice > 0.985:
        return f"{amount_value(rng) + 9}{rng.choice(['+', ' + ', '+'])}{amount_value(rng) + 9}"
    text = digits(n, rng)
    if deva and text.isascii():
        for latin, indic in (
            ("hazaar", "हज़ार"),
            ("hazar", "हजार"),
            ("hajar", "हजार"),
            ("lakhs", "लाख"),
            ("lakh", "लाख"),
        ):
            text = text.replace(latin, indic)
        text = text.replace("lac", "लाख").replace("hzr", "हज़ार").replace("thousand", "हज़ार")
        if rng.random() < 0.35:
            text = indic_digits(text)
    return _with_currency(text, writing, rng)


def _with_currency(text: str, writing: str, rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.6:
        return text
    if choice < 0.68:
        return f"₹{rng.choice(['', '', ' '])}{text}"
    if writing == "deva":
        return f"{text} {rng.choice(['रुपये', 'रुपए', 'रु', 'रु.', 'रूपये', 'रुपया'])}"
    if choice < 0.76:
        return f"{rng.choice(['Rs. ', 'Rs ', 'rs ', 'Rs.', 'rs.', 'Rs', 'INR '])}{text}"
    if choice < 0.82 and text.replace(",", "").isdecimal():
        return f"{text}/-"
    if writing == "en":
        return f"{text} {rng.choice(['rupees', 'rs', 'Rs', 'rupee', 'bucks', 'INR'])}".replace(
            " bucks", " rs"
        )
    return text + rng.choice(
        [" rs", "rs", " rupaye", " rupay", " rupees", " rupye", " rupe", " Rs", " rupiya", "Rs", " rupaiye"]
    )
