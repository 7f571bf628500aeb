"""From labelled units to what an entry or a question names."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from munshi.contracts.understanding import Category, Entities, Intent
from munshi_inference.language.amounts import as_money
from munshi_inference.language.honorifics import AFTER as HONORIFICS_AFTER
from munshi_inference.language.honorifics import ROLE_KEYS, strip_honorifics
from munshi_inference.language.lexicon import listed
from munshi_inference.nlu.units import Reading, Unit

TAKES_AMOUNT = frozenset({Intent.ADD_TRANSACTION, Intent.ADD_RECEIPT, Intent.CORRECT, Intent.CLARIFY})
TAKES_INVOICE = TAKES_AMOUNT | {Intent.UNDO}
TAKES_NAME = TAKES_INVOICE | {Intent.QUERY_CUSTOMER_BALANCE}
ENTRIES = frozenset({Intent.ADD_TRANSACTION, Intent.ADD_RECEIPT})
TOTALS = frozenset({Intent.QUERY_TOTAL_DAY, Intent.QUERY_TOTAL_PERIOD})
TAKES_ANY_DAY = TOTALS | {Intent.ADD_RECEIPT}
"""Intents whose day is named even where the tagger marked none."""
TAKES_DAY = ENTRIES | TOTALS | {Intent.CORRECT, Intent.CLARIFY}


RELATIVE_DAYS = frozenset(listed("aaj aj today kal kl yesterday parso parson आज कल परसों परसो"))
"""Days that are the entry's even where the tagger was not sure."""


MOST_COUNTED = 60
"""A bare number up to this, beside a larger one, is likelier a count of things than the amount."""


NEGATIONS = frozenset(listed("nahi nahin nhi nai nahee nahii नहीं नही"))


POSSESSIVES = frozenset(listed("ka ki ke का की के"))


class Labelled(NamedTuple):
    """A reading with the tagger's label of each unit."""

    reading: Reading
    labels: tuple[str, ...]

    def units(self, label: str) -> list[Unit]:
        """The units that carry a label."""
        if label not in self.labels:
            return []
        return [u for u, found in zip(self.reading.units, self.labels, strict=True) if found == label]

    def part(self, first: int, last: int) -> "Labelled":
        """Units `first` to `last` (exclusive)."""
        return Labelled(self.reading.slice(first, last), self.labels[first:last])


_NAMING = frozenset({"B-NAME", "I-NAME"})


def names(labelled: Labelled) -> list[str]:
    """Every name, as written and without honorifics, in order."""
    if _NAMING.isdisjoint(labelled.labels):
        return []
    text = labelled.reading.text
    found: list[tuple[int, int]] = []
    open_name = False
    for unit, label in zip(labelled.reading.units, labelled.labels, strict=True):
        if label == "I-NAME" and open_name and found:
            found[-1] = (found[-1][0], unit.end)
        elif label in {"B-NAME", "I-NAME"} and unit.kind != "mark":
            found.append((unit.start, unit.end))
        open_name = label in {"B-NAME", "I-NAME"}
    found = [(a, _with_kin(labelled, a, b)) for a, b in found]
    stripped = [strip_honorifics(" ".join(text[a:b].split())).strip(" .,:;-'\"!?") for a, b in found]
    return [name for name in stripped if name]


def _with_kin(labelled: Labelled, start: int, end: int) -> int:
    """Where a name ends: "teesri manzil wali" takes the "didi" after it, without which it names nobody."""
    units = labelled.reading.units
    inside = [i for i, u in enumerate(units) if start <= u.start < end]
    following = inside[-1] + 1
    if len(inside) < 2 or following >= len(units):
        return end
    is_role = units[inside[-1]].key in ROLE_KEYS and units[following].text in HONORIFICS_AFTER
    is_possessive = units[inside[-1]].text in POSSESSIVES and units[following].kind == "word"
    return units[following].end if is_role or is_possessive else end


def amount(labelled: Labelled) -> tuple[Decimal | None, str | None]:
    """The amount and the currency said with it; a rate times a quantity where no total is named."""
    money = labelled.units("AMT")
    rates, quantities = labelled.units("RATE"), labelled.units("QTY")
    if money:
        chosen = _likeliest(money)
    elif rates:
        chosen = rates[0]
    else:
        return None, None
    number = chosen.number
    if number is None:
        return None, None
    value = number.value
    if not money and len(quantities) == 1 and quantities[0].number is not None:
        value *= quantities[0].number.value
    return as_money(value), number.currency or ("INR" if number.slash else None)


def _likeliest(money: Sequence[Unit]) -> Unit:
    """Of several numbers taken for the amount of one entry: one said as money, else no small count."""
    marked = [u for u in money if u.number and (u.number.currency or u.number.slash)]
    large = [u for u in money if u.number and u.number.value > MOST_COUNTED]
    return (marked or large or money)[0]


def only_number(labelled: Labelled) -> Unit | None:
    """The one number that could be money, when the tagger saw none."""
    could = [
        u
        for u in labelled.reading.units
        if u.number is not None and not u.number.unit and u.number.value >= 1
    ]
    if len(could) == 2:
        could = [u for u in could if not _denied(labelled, u)]
    return could[0] if len(could) == 1 else None


def guesses_amount(labelled: Labelled) -> bool:
    """Whether an amount would be taken that the tagger did not mark as money."""
    marked = labelled.units("AMT") or labelled.units("RATE")
    return not marked and only_number(labelled) is not None


def _without_denied(labelled: Labelled) -> Labelled:
    """The reading without the money that a correction denies: "640 nahi 460" is of 460."""
    units = labelled.reading.units
    labels = tuple(
        "OLD" if label == "AMT" and _denied(labelled, unit) else label
        for unit, label in zip(units, labelled.labels, strict=True)
    )
    return Labelled(labelled.reading, labels)


def _denied(labelled: Labelled, unit: Unit) -> bool:
    """Whether a number stands beside a word of denial: "not 540", "540 nahi"."""
    units = labelled.reading.units
    i = units.index(unit)
    before, after = units[i - 1].text if i else "", units[i + 1].text if i + 1 < len(units) else ""
    return before in {"not", "na"} or after in NEGATIONS


def when(labelled: Labelled, intent: Intent, today: date) -> str | None:
    """The day or period that the intent speaks of."""
    said = [u for u in labelled.reading.units if u.date]
    if not said:
        return None
    dated = [u for u in labelled.units("DAY") if u.date]
    if not dated:
        dated = said if intent in TAKES_ANY_DAY else [u for u in said if u.text in RELATIVE_DAYS]
    if intent is Intent.QUERY_TOTAL_PERIOD:
        dated.sort(key=lambda u: u.kind != "period")
    for unit in dated:
        if unit.date is None or unit.date.start > today:
            continue
        if intent is Intent.QUERY_TOTAL_PERIOD:
            return f"{unit.date.start}/{unit.date.end}"
        if intent in TAKES_DAY and (intent in TOTALS or not unit.date.period):
            return str(unit.date.start)
    return None


def entities(labelled: Labelled, intent: Intent, category: Category | None, today: date) -> Entities:
    """What the text names, as far as the intent has use for it."""
    value: Decimal | None = None
    currency: str | None = None
    if intent in TAKES_AMOUNT:
        value, currency = amount(_without_denied(labelled) if intent is Intent.CORRECT else labelled)
        if value is None and (unit := only_number(labelled)) is not None and unit.number is not None:
            value, currency = as_money(unit.number.value), unit.number.currency
    named = names(labelled) if intent in TAKES_NAME else []
    return Entities(
        amount=value,
        currency=currency if value is not None else None,
        customer_name=named[0] if named else None,
        category=category,
        date=when(labelled, intent, today),
        invoice_no=labelled.reading.invoice_no if intent in TAKES_INVOICE else None,
    )


_SEPARATORS = frozenset(
    {",", ".", ";", "\n", "aur", "or", "and", "और", "तथा", "phir", "fir", "फिर", "&", "+", "then"}
)


def entries(labelled: Labelled) -> Sequence[Labelled]:
    """The message cut into its entries: parts that each hold one amount, between separators."""
    units = labelled.reading.units
    holds = [i for i, label in enumerate(labelled.labels) if label == "AMT"]
    if len(holds) < 2:
        return [labelled]
    cuts: list[int] = []
    for left, right in pairwise(holds):
        marks = [i for i in range(left + 1, right) if _separates(labelled, i)]
        if not marks:
            return [labelled]
        name_before = [i for i in marks if any(lab == "B-NAME" for lab in labelled.labels[i + 1 : right])]
        cuts.append((name_before or marks)[0])
    bounds = [0, *(c + 1 for c in cuts), len(units)]
    return [labelled.part(a, b) for a, b in pairwise(bounds)]


def _separates(labelled: Labelled, i: int) -> bool:
    unit = labelled.reading.units[i]
    if labelled.labels[i] in {"B-NAME", "I-NAME"}:
        return False
    return unit.text in _SEPARATORS
