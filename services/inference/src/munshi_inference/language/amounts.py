"""Numbers as people write them: 1,25,000/-, Rs. 99.50, 2.5k, dedh hazaar, साढ़े तीन हज़ार, twelve hundred.

Finds spans and values; whether a number is money or a quantity is decided by the model, with the hints given
here (a currency beside it, a unit after it, the look of a phone number). Decimal only, never float.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from munshi_inference.language import number_words as nw
from munshi_inference.language.lexicon import listed
from munshi_inference.language.remembered import Remembered
from munshi_inference.language.tokens import Token

_HUNDRED, _THOUSAND = Decimal(100), Decimal(1000)
_CURRENCY_MARKS = {"₹": "INR", "₨": "INR", "$": "USD", "€": "EUR", "£": "GBP"}
_OTHER_CURRENCIES = {
    "rps": "INR",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "डॉलर": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "pound": "GBP",
    "pounds": "GBP",
    "aed": "AED",
    "dirham": "AED",
    "dirhams": "AED",
    "npr": "NPR",
    "lkr": "LKR",
}
_RUPEE_STEMS = ("rupe", "rupa", "rupi", "rupy", "ruppe", "rupp", "रुप", "रूप")
_ABBREVIATIONS = frozenset({"rs", "re", "rup", "rps", "रु", "रू", "inr"})
_IMPERATIVES = frozenset({"do", "doh", "दो"})
"""Two, or "give"; at the end of a longer message the request is likelier."""
_CENT = Decimal("0.01")
_LEAST_TERM = Decimal(10)
"""A term of a sum written with "+" is at least this."""
LARGEST = Decimal("9999999999.99")
"""What NUMERIC(12,2) holds."""

UNITS = frozenset(
    listed(
        """
    kg kgs kilo kilos kilogram किलो केजी g gm gms gram grams ग्राम quintal kuntal क्विंटल ton tonne टन
    litre liter litres liters ltr ltrs lt lit l लीटर ml meter metre mtr मीटर gaj गज feet foot ft फुट inch
    packet packets pkt pkts packat पैकेट पैकिट peti petiyan petiya petti पेटी पेटियां carton cartons
    cartoon कार्टन box boxes boxs dabba dabbe dibba dibbe डिब्बा डिब्बे डब्बा डब्बे bora bori boriyan
    borey bore बोरी बोरा बोरे बोरियां piece pieces pc pcs pis peece पीस nag नग darjan dozen dozens dz
    darzan दर्जन jodi joda pair pairs जोड़ी जोड़े bottle bottles botal botle बोतल bundle bundles बंडल
    gaddi गड्डी katta katte कट्टा कट्टे bag bags बैग crate crates क्रेट tin tins टिन thaili थैली plate
    plates प्लेट cup cups कप glass roti unit units यूनिट sheet sheets roll rolls रोल than thaan थान sack
    sacks set sets सेट din दिन days day mahine mahina महीने महीना month months hafte hafta हफ्ते हफ़्ते
    week weeks saal साल year years ghante ghanta घंटे hours hour hrs minute minutes mins mint मिनट percent
    pratishat % प्रतिशत log logo लोग aadmi आदमी bande labour mazdoor मज़दूर मजदूर baar बार times km गाड़ी
    tarikh तारीख guna note नोट coil cylinder silinder सिलेंडर ट्रॉली trolley trali trip trips truck ande
    anda eggs egg अंडे kapde over overs ओवर run runs wicket wickets विकेट guests guest starters mains desserts
    mehman मेहमान mala माला saree sarees साड़ी tablet tablets tab strip strips degree degrees marks pages
        """
    )
)
"""Words that make the number before them a quantity."""


class Number(NamedTuple):
    """A number in tokens `first` to `last` (exclusive), with what stands beside it."""

    first: int
    last: int
    value: Decimal
    currency: str | None = None
    slash: bool = False
    """Written with "/-", which only money is."""
    unit: bool = False
    words: bool = False
    """Written in words, at least in part."""


def currency_at(tokens: Sequence[Token], i: int) -> tuple[str, int] | None:
    """A currency word or mark at token `i`: its ISO code and how many tokens it takes ("rs." is two)."""
    if not 0 <= i < len(tokens):
        return None
    text = tokens[i].text
    code = _code_of[text]
    if code is None:
        return None
    dot = text in _ABBREVIATIONS and i + 1 < len(tokens) and tokens[i + 1].text in {".", ":", "-"}
    return code, 2 if dot else 1


def _code(text: str) -> str | None:
    code = _CURRENCY_MARKS.get(text) or nw.CURRENCIES.get(text) or _OTHER_CURRENCIES.get(text)
    if code is None and text.startswith(_RUPEE_STEMS) and len(text) <= 9:
        code = "INR"
    return code


_code_of = Remembered(_code)


def is_unit(tokens: Sequence[Token], i: int) -> bool:
    """Whether token `i` is a unit of quantity."""
    return 0 <= i < len(tokens) and tokens[i].text in UNITS


def as_money(value: Decimal) -> Decimal | None:
    """The value as the books hold it: whole, or with two decimals; None when it does not fit."""
    if not 0 < value <= LARGEST:
        return None
    rounded = value.quantize(_CENT, ROUND_HALF_UP)
    whole = rounded.to_integral_value()
    return whole if whole == rounded else rounded


def _digits(text: str) -> Decimal:
    return Decimal(text if text.isdecimal() else text.replace(",", "").replace("o", "0"))


class _Reader:
    """Reads one number from a token on: a sum of parts, each a coefficient with its multiplier."""

    def __init__(self, tokens: Sequence[Token], raw: str, taken: AbstractSet[int]) -> None:
        self.tokens = tokens
        self.raw = raw
        self.taken = taken

    def word(self, i: int) -> tuple[str, Decimal] | None:
        if i >= len(self.tokens) or self.tokens[i].kind != "word" or i in self.taken:
            return None
        return nw.look_up(self.tokens[i].text)

    def kind(self, i: int) -> str | None:
        found = self.word(i)
        return found[0] if found else None

    def below_hundred(self, i: int) -> tuple[Decimal, int] | None:
        """Digits, or 0-99 in words, from token `i`: value and the token after."""
        if i < len(self.tokens) and i not in self.taken and self.tokens[i].kind == "number":
            return _digits(self.tokens[i].text), i + 1
        found = self.word(i)
        if found is None or found[0] != "ones":
            return None
        value, after = found[1], i + 1
        if nw.is_tens(self.tokens[i].text):
            after += after < len(self.tokens) and self.tokens[after].text == "-"
            one = self.word(after)
            if one and one[0] == "ones" and one[1] < 10 and self.tokens[after].text.isascii():
                return value + one[1], after + 1
            after = i + 1
        return value, after

    def multiplier(self, i: int) -> tuple[Decimal, int] | None:
        """A multiplier at token `i`; "k" and "L" only where glued to the digits before."""
        if i >= len(self.tokens) or i in self.taken:
            return None
        token = self.tokens[i]
        glued = i > 0 and self.tokens[i - 1].end == token.start
        if token.text == "l":
            return (Decimal(100000), i + 1) if glued and self.raw[token.start] == "L" else None
        found = self.word(i)
        if found is None or found[0] != "multiplier":
            return None
        return found[1], i + 1

    def coefficient(self, i: int) -> tuple[Decimal, int] | None:
        """What stands before a multiplier: value and token after. "sadhe teen" is 3.5, "sawa" alone 1.25."""
        found = self.word(i)
        if found and found[0] == "fraction":
            return found[1], i + 1
        if found and found[0] == "quarter":
            base = self.below_hundred(i + 1)
            return (base[0] + found[1], base[1]) if base else (1 + found[1], i + 1)
        return self.below_hundred(i)

    def part(self, i: int) -> tuple[Decimal, Decimal, int] | None:
        """One part: value, its multiplier, token after. "paanch sau" is 500 of hundreds."""
        bare = self.multiplier(i)
        beside_money = bare is not None and currency_at(self.tokens, bare[1]) is not None
        if bare is not None and (beside_money or self.tokens[i].text not in nw.AMBIGUOUS):
            return bare[0], bare[0], bare[1]
        article = i < len(self.tokens) and self.tokens[i].text == "a" and self.multiplier(i + 1)
        if article:
            return article[0], article[0], article[1]
        head = self.coefficient(i)
        if head is None:
            return None
        value, after = head
        scale = self.multiplier(after)
        if scale is None:
            return self._price(i, after, value) or (value, Decimal(1), after)
        value, unit, after = value * scale[0], scale[0], scale[1]
        while (more := self.multiplier(after)) is not None and more[0] > unit:
            value, unit, after = value * more[0], more[0], more[1]
        return value, unit, after

    def _price(self, i: int, after: int, value: Decimal) -> tuple[Decimal, Decimal, int] | None:
        """ "seven fifty" is 750 and "twelve twenty five" 1225: English only, a word below 20 before tens."""
        english = after == i + 1 and self.tokens[i].text in nw.ENGLISH_SMALL
        if (
            not english
            or after >= len(self.tokens)
            or after in self.taken
            or not nw.is_tens(self.tokens[after].text)
        ):
            return None
        tens = self.below_hundred(after)
        return (value * 100 + tens[0], Decimal(1), tens[1]) if tens else None

    def read(self, i: int) -> tuple[Decimal, int, bool] | None:
        """A whole number from token `i`: value, token after, whether words took part."""
        first = self.part(i)
        if first is None:
            return None
        total, unit, after = first
        while unit > 1:
            nxt = after
            joined = nxt < len(self.tokens) and self.tokens[nxt].text in {"and", "or"} and unit >= _HUNDRED
            nxt += joined and self.kind(nxt - 1) != "fraction"
            more = self.part(nxt)
            if more is None or more[0] >= unit or more[0] != int(more[0]) or more[1] >= unit:
                break
            alone = i == 0 and more[2] == len(self.tokens)
            if not alone and self._own_quantity(nxt, more):
                break
            total, unit, after = total + more[0], more[1], more[2]
        return total, after, any(self.tokens[j].is_word for j in range(i, after))

    def _own_quantity(self, start: int, part: tuple[Decimal, Decimal, int]) -> bool:
        """Whether what follows is no part of the number: "5 sau 2 kilo", "paanch sau do" (give 500)."""
        imperative = part[2] - start == 1 and self.tokens[start].text in _IMPERATIVES
        money_follows = currency_at(self.tokens, part[2]) is not None
        return is_unit(self.tokens, part[2]) or (imperative and not money_follows)


def find_numbers(tokens: Sequence[Token], raw: str, taken: AbstractSet[int] = frozenset()) -> list[Number]:
    """Every number of a text outside the tokens `taken` (dates, phones). Never raises."""
    reader = _Reader(tokens, raw, taken)
    numbers: list[Number] = []
    i = 0
    for first, (text, _, kind, _, _) in enumerate(tokens):
        if (kind != "number" and not _may_begin[text]) or first < i or first in taken:
            continue
        found = _number_at(reader, first)
        if found is not None:
            numbers.append(found)
            i = found.last
    return numbers


def _begins(text: str) -> bool:
    """Whether a number can begin with such a word or mark: with most it cannot, whatever follows them."""
    return text in {"a", "l"} or bool(nw.look_up(text) or _code_of[text])


_may_begin = Remembered(_begins)


def _number_at(reader: _Reader, i: int) -> Number | None:
    tokens = reader.tokens
    before = currency_at(tokens, i)
    start = i + before[1] if before else i
    read = None if start in reader.taken else reader.read(start)
    if read is None:
        return None
    value, after, words = read
    if not words:
        value, after = _summed(reader, value, after)
    slash = after < len(tokens) and (tokens[after].text in {"/-", "/="} or _bare_slash(tokens, after))
    if slash:
        after += 1
    behind = currency_at(tokens, after)
    if behind and reader.read(after + behind[1]) and tokens[after].text in _CURRENCY_MARKS:
        behind = None  # "500 ₹200": the mark belongs to the number after it
    currency = before[0] if before else behind[0] if behind else None
    word_alone = after - start == 1 and tokens[start].is_word
    if behind and word_alone and value < 10 and reader.read(after + behind[1]):
        return None  # "likh do Rs 500": no number of two rupees
    if behind:
        after += behind[1]
    weak = after - start == 1 and tokens[start].is_word and tokens[start].text in nw.AMBIGUOUS
    small = after - start == 1 and tokens[start].is_word and value < 10
    if (weak or small) and currency is None and not slash:
        return None
    return Number(i, after, value, currency, slash, is_unit(tokens, after), words)


def _summed(reader: _Reader, value: Decimal, after: int) -> tuple[Decimal, int]:
    """ "1200+300" is one number of 1500; a small one ("2+1 free") is no sum of money."""
    tokens = reader.tokens
    while after + 1 < len(tokens) and tokens[after].text == "+" and tokens[after + 1].kind == "number":
        more = None if after + 1 in reader.taken else reader.read(after + 1)
        if more is None or more[2] or min(value, more[0]) < _LEAST_TERM or is_unit(tokens, more[1]):
            break
        value, after = value + more[0], more[1]
    return value, after


def _bare_slash(tokens: Sequence[Token], i: int) -> bool:
    """ "500/" before a space or the end; "3/4", "500/kg" and the lone "2/" are no money."""
    mark, number = tokens[i], tokens[i - 1]
    glued_after = i + 1 < len(tokens) and tokens[i + 1].start == mark.end
    return mark.text == "/" and mark.start == number.end and not glued_after and len(number.text) > 1
