"""A business document's content, made by chance: what is on it and what is true of it. Pure."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from munshi.contracts.media import FileKind
from munshi.contracts.understanding import Category
from munshi_inference.documents.gstin import check_character
from munshi_inference.documents.letters import is_devanagari, is_sinhala
from munshi_inference.training.documents.words import Trade, load

TODAY = date(2026, 11, 21)
"""The day on which all drawn documents are read."""

CENT = Decimal("0.01")
NAMELESS = 0.25
"""Of the texts: their vendor's name does not say what he sells, so that the goods have to."""


@dataclass(frozen=True, slots=True)
class Good:
    """A line of goods."""

    name: str
    quantity: Decimal
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Truth:
    """What a reader should find. Absent is `None`."""

    kind: FileKind
    category: Category | None = None
    total: Decimal | None = None
    day: date | None = None
    vendor: str | None = None
    invoice_no: str | None = None
    gstin: str | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What is on a document."""

    truth: Truth
    language: str
    """`en`, `hi` or `si`."""
    trade: str
    address: tuple[str, ...] = ()
    phone: str = ""
    buyer: str | None = None
    buyer_gstin: str | None = None
    goods: tuple[Good, ...] = ()
    subtotal: Decimal = Decimal(0)
    taxes: tuple[tuple[str, Decimal], ...] = ()
    discount: Decimal = Decimal(0)
    round_off: Decimal = Decimal(0)
    paid: Decimal | None = None
    notes: tuple[str, ...] = ()
    due: date | None = None
    text: tuple[str, ...] = field(default=())
    """Of a document that is no bill."""
    varied: bool = False
    """Worded in more ways than what is drawn."""

    @property
    def total(self) -> Decimal:
        """As printed."""
        return self.truth.total or Decimal(0)


def rupees(value: Decimal | str) -> Decimal:
    """To the paisa."""
    return Decimal(value).quantize(CENT, ROUND_HALF_UP)


def gstin(rng: random.Random) -> str:
    """A well-formed GSTIN with its check character."""
    letters = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=5))
    first = f"{rng.randint(1, 37):02d}{letters}{rng.randint(0, 9999):04d}{rng.choice('ABCFGHJKLPT')}1Z"
    return first + check_character(first)


_NUMBER_FORMS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: str(r.randint(1, 9999)),
    lambda r: f"{r.randint(1, 99999):05d}",
    lambda r: f"INV-{r.randint(1, 9999)}",
    lambda r: f"{r.choice('ABCKMRST')}{r.randint(100, 99999)}",
    lambda r: f"{r.choice(('SK', 'GST', 'TI', 'R', 'B', 'CM'))}/26-27/{r.randint(1, 9999)}",
    lambda r: f"{r.choice(('SK', 'INV', 'GB', 'TX'))}-26-{r.randint(1, 99999):05d}",
    lambda r: f"2026{r.randint(1, 99999):05d}",
)


_SIZES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "",
        "",
        "",
        " 1kg",
        " 500g",
        " 1L",
        " 5 kg",
        " Pkt",
        " Pcs",
        " Nos",
        " 250ml",
        " Box",
        " Large",
        " Set",
    ),
    "hi": (
        "",
        "",
        "",
        " 1 किलो",
        " 5kg",
        " 500 ग्राम",
        " 1 लीटर",
        " पैकेट",
        " नग",
        " दर्जन",
        " डिब्बा",
        " बड़ा",
        " जोड़ी",
    ),
    "si": ("", "", "", " 1kg", " 500g", " 1L", " පැකට්", " බෝතල්", " ලොකු", " පෙට්ටි", " කෑලි", " කිලෝ 2"),
}


def _offered(rng: random.Random, trade: Trade, *, language: str) -> tuple[tuple[str, str], ...]:
    """Goods of a text, with prices: those that are drawn and those that are not, sometimes in English."""
    written = "en" if rng.random() < 0.15 else language
    more = [
        (name + rng.choice(_SIZES[written]), str(rng.randint(5, 3000))) for name in trade.more_goods[written]
    ]
    return (*trade.goods[written], *rng.sample(more, min(len(more), 20)))


def _goods(
    rng: random.Random, trade: Trade, *, language: str, petrol: bool, varied: bool
) -> tuple[Good, ...]:
    offered = _offered(rng, trade, language=language) if varied else trade.goods[language]
    count = 1 if petrol else rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 7, 9, 12))
    made = []
    for name, price in rng.sample(offered, min(count, len(offered))):
        cost = Decimal(price)
        if not petrol and rng.random() < 0.4:
            cost = rupees(cost * Decimal(rng.randint(85, 115)) / 100)
        if petrol:
            quantity = (Decimal(rng.randint(200, 4500)) / 100).quantize(CENT)
        elif rng.random() < 0.12:
            quantity = Decimal(rng.choice(("0.500", "1.250", "2.500", "0.750")))
        else:
            quantity = Decimal(rng.choice((1, 1, 1, 2, 2, 3, 4, 5, 6, 10, 12)))
        made.append(Good(name, quantity, rupees(cost), rupees(cost * quantity)))
    return tuple(made)


def _taxes(
    rng: random.Random, subtotal: Decimal, *, registered: bool, language: str
) -> tuple[tuple[str, Decimal], ...]:
    if not registered or rng.random() < 0.3:
        return ()
    if language == "si":
        return ((rng.choice(("VAT 18%", "වැට් 18%", "බදු 18%")), rupees(subtotal * 18 / 100)),)
    rate = rng.choice((Decimal("2.5"), Decimal(6), Decimal(9)))
    if rng.random() < 0.2:
        return ((f"IGST {rate * 2}%", rupees(subtotal * rate * 2 / 100)),)
    if rng.random() < 0.08:
        return ((f"VAT {rate * 2}%", rupees(subtotal * rate * 2 / 100)),)
    half = rupees(subtotal * rate / 100)
    name = rng.choice(("CGST @{r}%", "CGST {r}%", "CGST({r}%)", "CGST"))
    first = name.format(r=rate)
    return ((first, half), (first.replace("CGST", "SGST"), half))


def _notes(
    rng: random.Random, trade: Trade, total: Decimal, *, language: str, varied: bool
) -> tuple[str, ...]:
    told = trade.notes if language == "en" else ()
    if varied:
        told = (*told, *trade.more_notes[language])
    if not told and language != "en":
        return ()
    values = {
        "n": rng.randint(100, 9999),
        "small": rng.randint(1, 24),
        "person": rng.choice(load().people[language]),
        "mrp": rupees(total * Decimal("1.12")),
        "saved": rupees(total * Decimal("0.12")),
    }
    return tuple(note.format(**values) for note in told if rng.random() < 0.45)


def _vendor(rng: random.Random, trade: Trade, *, language: str, varied: bool) -> str:
    kinds = trade.kinds[language]
    if varied:
        kinds = (*kinds, *trade.more_kinds[language])
    name = f"{rng.choice(load().owners[language])} {rng.choice(kinds)}"
    if varied and rng.random() < NAMELESS:
        name = rng.choice((*load().owners[language], *load().people[language]))
    return name.upper() if language == "en" and rng.random() < 0.55 else name


def bill(rng: random.Random, *, language: str = "en", varied: bool = False) -> Bill:
    """A receipt or an invoice of some trade; `varied`: also of those that are not drawn."""
    trades = load().trades.items()
    trade_name = rng.choice([name for name, t in trades if varied or (t.drawn and t.speaks(language))])
    trade = load().trades[trade_name]
    invoice = trade.paper == "a4" or (trade.paper == "both" and rng.random() < 0.35)
    registered = invoice or rng.random() < 0.5
    goods = _goods(rng, trade, language=language, petrol=trade_name == "petrol", varied=varied)
    subtotal = sum((good.amount for good in goods), Decimal(0))
    taxes = _taxes(rng, subtotal, registered=registered and trade_name != "petrol", language=language)
    discount = (
        rupees(subtotal * Decimal(rng.choice((5, 10)) * 1) / 100) if rng.random() < 0.12 else Decimal(0)
    )
    exact = subtotal + sum((amount for _, amount in taxes), Decimal(0)) - discount
    rounded = exact.quantize(Decimal(1), ROUND_HALF_UP) if taxes and rng.random() < 0.6 else exact
    total = rupees(rounded)
    paid = total + Decimal(rng.choice((0, 0, 10, 50, 100))) if rng.random() < 0.3 else None
    day = TODAY - timedelta(days=rng.choice((0, 1, 2, 5, 9, 20, 45, 120, 300)) + rng.randint(0, 25))
    streets, towns, people = (of[language] for of in (load().streets, load().towns, load().people))
    indian = language != "si"
    return Bill(
        Truth(
            FileKind.INVOICE if invoice else FileKind.RECEIPT,
            trade.category,
            total,
            day,
            _vendor(rng, trade, language=language, varied=varied),
            rng.choice(_NUMBER_FORMS)(rng) if rng.random() < 0.93 else None,
            gstin(rng) if indian and registered and rng.random() < 0.9 else None,
        ),
        language,
        trade_name,
        (f"{rng.randint(1, 240)}, {rng.choice(streets)}", rng.choice(towns)),
        f"{rng.choice('6789')}{rng.randint(10**8, 10**9 - 1)}",
        rng.choice(people) if invoice or rng.random() < 0.2 else None,
        gstin(rng) if indian and invoice and rng.random() < 0.5 else None,
        goods,
        subtotal,
        taxes,
        discount,
        total - exact,
        paid,
        _notes(rng, trade, total, language=language, varied=varied),
        day + timedelta(days=15) if invoice and rng.random() < 0.3 else None,
        varied=varied,
    )


def slip(rng: random.Random, *, language: str = "en", varied: bool = False) -> Bill:
    """A slip about money that was paid or is owed: no goods, one amount."""
    base = bill(rng, language=language, varied=varied)
    total = rupees(Decimal(rng.choice((150, 500, 1200, 2500, 4999, 7350, 18000, 640, 85))))
    payment = rng.random() < 0.6
    truth = replace(
        base.truth,
        kind=FileKind.RECEIPT,
        category=Category.PAYMENT if payment else Category.CREDIT,
        total=total,
        gstin=None,
    )
    return replace(
        base,
        truth=truth,
        trade="payment" if payment else "credit",
        goods=(),
        subtotal=Decimal(0),
        taxes=(),
        discount=Decimal(0),
        round_off=Decimal(0),
        paid=None,
        notes=(),
        due=None,
        buyer=rng.choice(load().people[language]),
    )


def other(rng: random.Random, *, language: str = "en") -> Bill:
    """Something that is no business document: in English or Hindi, in English or Sinhala for `si`."""
    strange = is_devanagari if language == "si" else is_sinhala
    text = rng.choice([text for text in load().other_texts if not any(map(strange, text))])
    parts = tuple(part.strip() for part in text.split(". ") if part.strip())
    return Bill(Truth(FileKind.OTHER), language, trade="other", text=parts)
