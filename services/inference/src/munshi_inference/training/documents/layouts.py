"""Where a document's content stands: rows of cells, in the ways in which shops print them. Pure."""

import random
from dataclasses import dataclass, replace
from decimal import Decimal

from munshi.contracts.media import FileKind
from munshi_inference.training.documents import formalities
from munshi_inference.training.documents.bills import Bill, Good, gstin
from munshi_inference.training.documents.formalities import INVOICE_TITLES, RECEIPT_TITLES
from munshi_inference.training.documents.wording import SLIPS, Words, titles_of
from munshi_inference.training.documents.words import load

BILL_BOOKS = 0.15
"""Of the texts of receipts: they come from a book of bills, not from a till."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text at a place: `at` is a share of the width; `align` says which edge stands there."""

    text: str
    at: float
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of a page. `size` is relative to the body's letters; `rule` draws a line instead."""

    cells: tuple[Cell, ...] = ()
    size: float = 1.0
    bold: bool = False
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to draw."""

    strips: tuple[Strip, ...]
    wide: bool
    """A4, not a till's paper."""


def _row(*cells: Cell, size: float = 1.0, bold: bool = False) -> Strip:
    return Strip(cells, size, bold)


def _middle(text: str, size: float = 1.0, *, bold: bool = False) -> Strip:
    return Strip((Cell(text, 0.5, "middle"),), size, bold)


def _left(text: str, size: float = 1.0, *, bold: bool = False) -> Strip:
    return Strip((Cell(text, 0.0),), size, bold)


def _ends(left: str, right: str, size: float = 1.0, *, bold: bool = False) -> Strip:
    return Strip((Cell(left, 0.0), Cell(right, 1.0, "right")), size, bold)


def _rule(rng: random.Random) -> Strip:
    return Strip(rule=rng.choice(("dashes", "line", "stars", "equals")))


def _head(bill: Bill, say: Words, rng: random.Random) -> list[Strip]:
    """Name, address, numbers of the shop."""
    place = (
        _middle
        if rng.random() < 0.75
        else (lambda text, size=1.0, bold=False: _row(Cell(text, 0.0), size=size, bold=bold))
    )
    strips = []
    title = rng.random()
    if title < 0.25:
        strips.append(_middle(say["title"], 1.0, bold=True))
    strips.append(
        place(bill.truth.vendor or "", rng.choice((1.0, 1.15, 1.3, 1.5, 1.8)), bold=rng.random() < 0.7)
    )
    strips += [place(line, 0.95) for line in bill.address[: rng.choice((1, 2, 2))]]
    if rng.random() < 0.7:
        strips.append(place(f"{say['mobile']}{say.colon}{bill.phone}", 0.95))
    if bill.truth.gstin:
        label = rng.choice(("GSTIN", "GST No", "GSTIN No", "GSTIN/UIN"))
        strips.append(place(f"{label}{say.colon}{bill.truth.gstin}", 0.95))
    if 0.25 <= title < 0.55:
        strips.append(_middle(say["title"], 1.1, bold=True))
    return strips


def _particulars(bill: Bill, say: Words, rng: random.Random) -> list[Strip]:
    """Number and day, in one row or two, and what the trade adds."""
    day = say.day(bill.truth.day) if bill.truth.day else ""
    if rng.random() < 0.4:
        day += f" {rng.randint(9, 21):02d}:{rng.randint(0, 59):02d}"
    dated = f"{say['date']}{say.colon}{day}"
    strips = []
    if bill.truth.invoice_no is None:
        strips.append(_row(Cell(dated, 0.0)))
    else:
        number = f"{say['number']}{say.colon}{say.number(bill.truth.invoice_no)}"
        if rng.random() < 0.5 and len(number) + len(dated) < 38:
            strips.append(_ends(number, dated))
        elif rng.random() < 0.3:
            strips += [_ends(say["number"], say.number(bill.truth.invoice_no)), _ends(say["date"], day)]
        else:
            pair = [_row(Cell(number, 0.0)), _row(Cell(dated, 0.0))]
            strips += pair if rng.random() < 0.8 else pair[::-1]
    strips += [_row(Cell(note, 0.0), size=0.95) for note in bill.notes[:3]]
    if bill.buyer and rng.random() < 0.8:
        strips.append(_row(Cell(f"{say['buyer']}{say.colon}{bill.buyer}", 0.0)))
    return strips


def _quantity(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _goods(bill: Bill, say: Words, rng: random.Random, *, wide: bool) -> list[Strip]:
    """The lines of goods, with their columns' names mostly."""
    strips = []
    form = rng.choice(("four", "four", "two", "below", "three")) if not wide else "four"
    columns = (0.0, 0.56, 0.76, 1.0) if not wide else (0.06, 0.62, 0.8, 1.0)
    names = say["head"].split("|")
    if wide or rng.random() < 0.75:
        shown = names if form in {"four", "below"} else [names[0], names[-1]]
        spots = columns if len(shown) == 4 else (columns[0], 1.0)
        cells = [
            Cell(name, at, "left" if i == 0 else "right")
            for i, (name, at) in enumerate(zip(shown, spots, strict=True))
        ]
        if wide:
            cells.insert(0, Cell({"hi": "क्र"}.get(bill.language, "#"), 0.0))
        strips += [Strip(tuple(cells), bold=True), _rule(rng)]
    for index, good in enumerate(bill.goods, 1):
        strips += _good(good, say, form, columns, index if wide or rng.random() < 0.0 else None)
    strips.append(_rule(rng))
    return strips


def _good(
    good: Good, say: Words, form: str, columns: tuple[float, float, float, float], index: int | None
) -> list[Strip]:
    quantity, price, amount = (
        say.figures(_quantity(good.quantity)),
        say.money(good.price),
        say.money(good.amount),
    )
    last = Cell(amount, columns[3], "right")
    if form == "two":
        name = good.name if good.quantity == 1 else f"{good.name} x{quantity}"
        return [_row(Cell(name, columns[0]), last)]
    if form == "three":
        return [_row(Cell(good.name, columns[0]), Cell(quantity, columns[2], "right"), last)]
    if form == "below":
        return [_row(Cell(good.name, columns[0])), _row(Cell(f"{quantity} x {price}", 0.12), last)]
    cells = [
        Cell(good.name, columns[0]),
        Cell(quantity, columns[1], "right"),
        Cell(price, columns[2], "right"),
        last,
    ]
    if index is not None:
        cells.insert(0, Cell(str(index), 0.0))
    return [Strip(tuple(cells))]


def _sums(bill: Bill, say: Words, rng: random.Random, *, left: float) -> list[Strip]:
    """From the subtotal to the change."""

    def line(label: str, value: str, size: float = 1.0, *, bold: bool = False) -> Strip:
        return Strip((Cell(label, left), Cell(value, 1.0, "right")), size, bold)

    strips = []
    if rng.random() < 0.2 and bill.language == "en":
        strips.append(line(say["qty"], str(sum(int(g.quantity) or 1 for g in bill.goods))))
    if bill.taxes or bill.discount or rng.random() < 0.25:
        strips.append(line(say["subtotal"], say.money(bill.subtotal)))
    if bill.discount:
        strips.append(line(say["discount"], rng.choice(("-", "")) + say.money(bill.discount)))
    strips += [line(name, say.money(amount)) for name, amount in bill.taxes]
    if bill.round_off and rng.random() < 0.7:
        strips.append(line(say["round"], say.figures(f"{bill.round_off:.2f}")))
    if rng.random() < 0.4:
        strips.append(_rule(rng))
    size = rng.choice((1.0, 1.1, 1.3, 1.5))
    strips.append(line(say["total"], say.total(bill.total), size, bold=rng.random() < 0.7))
    if rng.random() < 0.4:
        strips.append(_rule(rng))
    if bill.paid is not None:
        strips.append(line(say["cash"], say.money(bill.paid)))
        if bill.paid > bill.total:
            strips.append(line(say["change"], say.money(bill.paid - bill.total)))
    return strips


def till(bill: Bill, rng: random.Random) -> Sheet:
    """A till's paper of 58 or 80 mm."""
    say = Words(rng, language=bill.language)
    strips = _head(bill, say, rng)
    strips.append(_rule(rng))
    strips += _particulars(bill, say, rng)
    strips.append(_rule(rng))
    strips += _goods(bill, say, rng, wide=False)
    strips += _sums(bill, say, rng, left=rng.choice((0.0, 0.0, 0.3, 0.45)))
    strips += [_row(Cell(note, 0.0), size=0.9) for note in bill.notes[3:]]
    if rng.random() < 0.8:
        strips.append(_middle(say["thanks"], 0.95))
    return Sheet(tuple(strips), wide=False)


def page(bill: Bill, rng: random.Random) -> Sheet:
    """An A4 invoice: shop on the left, number and day on the right or in a table, buyer, goods, sums."""
    say = Words(rng, language=bill.language)
    truth = bill.truth
    day = say.day(truth.day) if truth.day else ""
    strips = [_middle(say["title"], 1.4, bold=True)] if rng.random() < 0.7 else []
    number, dated = say.number(truth.invoice_no or "-"), f"{say['date']}{say.colon}{day}"
    vendor = truth.vendor or ""
    if rng.random() < 0.5:
        strips += [
            Strip((Cell(vendor, 0.0),), rng.choice((1.3, 1.6, 2.0)), bold=True),
            _ends(bill.address[0], f"{say['number']}{say.colon}{number}"),
            _ends(bill.address[-1], dated),
        ]
    else:
        strips += [_middle(vendor, rng.choice((1.4, 1.8, 2.2)), bold=True), _middle(", ".join(bill.address))]
        if rng.random() < 0.5:
            strips.append(_ends(f"{say['number']}{say.colon}{number}", dated))
        else:
            strips += [_ends(say["number"], say["date"], bold=True), _ends(number, day)]
    if truth.gstin:
        strips.append(_row(Cell(f"GSTIN{say.colon}{truth.gstin}", 0.0)))
    strips.append(_row(Cell(f"{say['mobile']}{say.colon}{bill.phone}", 0.0)))
    if bill.due:
        strips.append(_row(Cell(f"{say['due']}{say.colon}{say.day(bill.due)}", 1.0, "right")))
    strips.append(_rule(rng))
    if bill.buyer:
        strips.append(_row(Cell(f"{say['buyer']}{say.colon}{bill.buyer}", 0.0), bold=True))
        if bill.buyer_gstin:
            strips.append(_row(Cell(f"GSTIN{say.colon}{bill.buyer_gstin}", 0.0)))
        strips.append(_rule(rng))
    strips += _goods(bill, say, rng, wide=True)
    strips += _sums(bill, say, rng, left=rng.choice((0.55, 0.6, 0.0)))
    strips.append(_row(Cell(say["thanks"], 0.0), size=0.9))
    return Sheet(tuple(strips), wide=True)


def slip(bill: Bill, rng: random.Random) -> Sheet:
    """Money received, paid or owed."""
    say = Words(rng, language=bill.language)
    truth = bill.truth
    amount = say.total(bill.total)
    credit = bill.trade == "credit"
    if bill.varied:
        told = rng.choice(SLIPS[bill.language, bill.trade])
    elif bill.language == "hi":
        told = ("उधार खाता", "बाकी रकम", "जमा करें") if credit else ("भुगतान रसीद", "प्राप्त राशि", "नकद प्राप्त")
    elif bill.language == "si":
        told = ("ණය බිල්පත", "හිඟ මුදල", "පසුව ගෙවන්න") if credit else ("ගෙවීම් රිසිට්පත", "ලැබුණු මුදල", "මුදලින් ලැබුණි")
    elif credit:
        told = rng.choice(
            (("CREDIT MEMO", "Balance Due", "On account"), ("UDHAAR SLIP", "Total Due", "To be paid"))
        )
    else:
        told = rng.choice(
            (
                ("PAYMENT RECEIPT", "Amount Received", "Received with thanks"),
                ("Payment Successful", "Amount Paid", "Paid via UPI"),
                ("RECEIPT VOUCHER", "Total Amount", "Received by cash"),
            )
        )
    strips = [
        _middle(truth.vendor or "", 1.4, bold=True),
        _middle(bill.address[-1]),
        _middle(told[0], 1.1, bold=True),
    ]
    strips.append(_rule(rng))
    if truth.invoice_no:
        strips.append(_row(Cell(f"{say['number']}{say.colon}{say.number(truth.invoice_no)}", 0.0)))
    strips.append(_row(Cell(f"{say['date']}{say.colon}{say.day(truth.day) if truth.day else ''}", 0.0)))
    strips.append(_row(Cell(f"{say['buyer']}{say.colon}{bill.buyer}", 0.0)))
    strips += [_ends(told[1], amount, 1.2, bold=True), _row(Cell(told[2], 0.0))]
    return Sheet(tuple(strips), wide=False)


def plain(bill: Bill, rng: random.Random) -> Sheet:
    """A text that is no business document."""
    strips = [_middle(line) if rng.random() < 0.3 else _row(Cell(line, 0.0)) for line in bill.text]
    return Sheet(tuple(strips), wide=max(map(len, bill.text)) > 30)


def _told(bill: Bill, rng: random.Random) -> Sheet:
    """A receipt or an invoice as a text: with what its kind prints around goods and sums. Bill books are laid
    out like invoices."""
    kind, language = bill.truth.kind, bill.language
    wide = kind is FileKind.INVOICE or rng.random() < BILL_BOOKS
    if kind is FileKind.INVOICE and rng.random() < 0.9:
        bill = replace(bill, paid=None)
    sheet = page(bill, rng) if wide else till(bill, rng)
    titles = {option for of in (INVOICE_TITLES, RECEIPT_TITLES) for option in of[language]} | titles_of(
        language
    )
    strips = [strip for strip in sheet.strips if not any(cell.text in titles for cell in strip.cells)]
    if rng.random() < 0.7:
        strips.insert(rng.choice((0, 0, 1, 3)), _middle(formalities.title(kind, language, rng), bold=True))
    values = {
        "n": str(rng.randint(1000, 9999)),
        "small": str(rng.randint(1, 12)),
        "person": bill.buyer or rng.choice(load().people[language]),
        "vendor": bill.truth.vendor or "",
        "gstin": bill.buyer_gstin or gstin(rng),
    }
    for row in formalities.rows(kind, language, rng, values):
        strips.insert(rng.choice((4, 5, len(strips), len(strips))), _left(row))
    return Sheet(tuple(strips), wide=wide)


def lay(bill: Bill, rng: random.Random) -> Sheet:
    """The fitting layout for a document."""
    if bill.truth.kind is FileKind.OTHER:
        return plain(bill, rng)
    if bill.trade in {"payment", "credit"}:
        return slip(bill, rng)
    if bill.varied:
        return _told(bill, rng)
    return page(bill, rng) if bill.truth.kind is FileKind.INVOICE else till(bill, rng)
