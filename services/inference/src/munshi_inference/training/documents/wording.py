"""How a shop words its papers, in three languages: labels, money, days. Pure."""

import random
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

_EN = {
    "number": (
        "Bill No",
        "Invoice No",
        "Receipt No",
        "Bill No.",
        "Inv No",
        "Cash Memo No",
        "Bill #",
        "Receipt #",
    ),
    "date": ("Date", "Date", "Dt", "Bill Date", "Dated"),
    "total": (
        *("TOTAL", "Total", "Grand Total", "GRAND TOTAL", "Net Amount", "Net Payable", "Amount Payable"),
        *("Bill Amount", "Total Amount", "NET TOTAL", "To Pay", "Total Rs", "Amount Due", "Invoice Total"),
    ),
    "subtotal": ("Sub Total", "Subtotal", "Taxable Value", "Gross Amount", "Item Total", "Total before tax"),
    "discount": ("Discount", "Disc", "Less: Discount"),
    "round": ("Round Off", "Rounding", "R/Off"),
    "qty": ("Total Qty", "Items", "No of Items"),
    "cash": ("Cash", "Cash Tendered", "Paid by UPI", "Card", "Received"),
    "change": ("Change", "Balance", "Return"),
    "thanks": (
        "Thank you! Visit again",
        "*** THANK YOU ***",
        "Goods once sold will not be taken back",
        "E & O.E.",
    ),
    "title": (
        "TAX INVOICE",
        "CASH MEMO",
        "RETAIL INVOICE",
        "BILL",
        "INVOICE",
        "RECEIPT",
        "Cash Bill",
        "BILL OF SUPPLY",
    ),
    "due": ("Due Date", "Payment due by"),
    "buyer": ("Bill To", "Customer", "Buyer", "M/s", "Name"),
    "mobile": ("Ph", "Mob", "Tel", "Phone", "Contact"),
    "head": (
        "Item|Qty|Rate|Amount",
        "Description|Qty|Price|Amt",
        "Particulars|Qty|Rate|Total",
        "Product|Qty|MRP|Value",
    ),
}
_HI = {
    "number": ("बिल नं", "बिल नंबर", "रसीद संख्या", "बिल क्रमांक", "चालान नं", "रसीद नं"),
    "date": ("दिनांक", "तारीख", "तिथि"),
    "total": ("कुल राशि", "कुल योग", "कुल", "देय राशि", "कुल रकम", "योग", "Total", "कुल देय"),
    "subtotal": ("उप योग", "उप कुल", "कर पूर्व राशि"),
    "discount": ("छूट",),
    "round": ("पूर्णांक",),
    "qty": ("कुल नग",),
    "cash": ("नकद", "प्राप्त"),
    "change": ("वापस", "शेष"),
    "thanks": ("धन्यवाद, फिर पधारें", "बिका हुआ माल वापस नहीं होगा", "आपका दिन शुभ हो"),
    "title": ("नकद बिल", "बिल", "रसीद", "कैश मेमो", "कर बीजक"),
    "due": ("अंतिम तिथि",),
    "buyer": ("ग्राहक", "नाम"),
    "mobile": ("फोन", "मो."),
    "head": ("विवरण|मात्रा|दर|राशि", "सामान|नग|दर|रकम"),
}
_SI = {
    "number": ("බිල් අංකය", "බිල්පත් අංකය", "රිසිට්පත් අංකය", "ඉන්වොයිස් අංකය", "Bill No"),
    "date": ("දිනය", "දිනය", "Date"),
    "total": (
        *("එකතුව", "මුළු එකතුව", "මුළු මුදල", "ගෙවිය යුතු මුදල", "මුළු වටිනාකම", "ශුද්ධ එකතුව"),
        "Total",
    ),
    "subtotal": ("උප එකතුව",),
    "discount": ("වට්ටම",),
    "round": ("වටකිරීම",),
    "qty": ("භාණ්ඩ ගණන",),
    "cash": ("ගෙවූ මුදල", "මුදලින්"),
    "change": ("ඉතිරිය", "ඉතිරි මුදල"),
    "thanks": ("ස්තූතියි, නැවත එන්න", "පැමිණීමට ස්තූතියි", "විකුණූ භාණ්ඩ ආපසු ගනු නොලැබේ"),
    "title": ("බිල්පත", "රිසිට්පත", "මුදල් බිල්පත", "ඉන්වොයිසිය"),
    "due": ("ගෙවිය යුතු දිනය",),
    "buyer": ("පාරිභෝගිකයා", "නම"),
    "mobile": ("දුරකථන", "දු.ක"),
    "head": ("භාණ්ඩය|ප්‍රමාණය|මිල|වටිනාකම", "විස්තරය|ගණන|මිල|මුදල"),
}
_SAID: Mapping[str, Mapping[str, tuple[str, ...]]] = {"en": _EN, "hi": _HI, "si": _SI}
_SIGNS = {
    "si": ("", "", "", "රු. ", "රු.", "Rs.", "Rs. "),
    "hi": ("", "", "", "₹", "₹ ", "Rs.", "Rs ", "Rs. "),
    "en": ("", "", "", "₹", "₹ ", "Rs.", "Rs ", "Rs. "),
}
SLIPS: Mapping[tuple[str, str], tuple[tuple[str, str, str], ...]] = {
    ("en", "payment"): (
        ("PAYMENT RECEIPT", "Amount Received", "Received with thanks"),
        ("Payment Successful", "Amount Paid", "Paid via UPI"),
        ("RECEIPT VOUCHER", "Total Amount", "Received by cash"),
        ("MONEY RECEIPT", "The sum of Rs", "By cheque, subject to realisation"),
        ("Transaction Successful", "Paid to", "UPI transaction ID"),
        ("ADVANCE RECEIPT", "Advance received", "Balance on delivery"),
        ("Fee Receipt", "Received", "towards old balance, thank you"),
    ),
    ("en", "credit"): (
        ("CREDIT MEMO", "Balance Due", "On account"),
        ("UDHAAR SLIP", "Total Due", "To be paid"),
        ("KHATA", "Baki", "Udhaar"),
        ("Statement of account", "Outstanding", "Please pay at the earliest"),
        ("CREDIT BILL", "Amount due", "Not paid, on credit"),
    ),
    ("hi", "payment"): (
        ("भुगतान रसीद", "प्राप्त राशि", "नकद प्राप्त"),
        ("प्राप्ति रसीद", "प्राप्त रकम", "सधन्यवाद प्राप्त"),
        ("रसीद", "जमा राशि", "नकद जमा"),
        ("जमा पर्ची", "जमा", "खाते में जमा किया"),
        ("भुगतान सफल", "भुगतान राशि", "यूपीआई द्वारा"),
        ("अग्रिम रसीद", "अग्रिम राशि", "बयाना प्राप्त हुआ"),
    ),
    ("hi", "credit"): (
        ("उधार खाता", "बाकी रकम", "जमा करें"),
        ("उधार पर्ची", "बाकी", "जल्दी चुकाएं"),
        ("उधारी बिल", "कुल बकाया", "भुगतान बाकी है"),
        ("खाता बही", "उधार", "अगले महीने देना है"),
        ("बकाया सूचना", "बकाया राशि", "कृपया भुगतान करें"),
    ),
    ("si", "payment"): (
        ("ගෙවීම් රිසිට්පත", "ලැබුණු මුදල", "මුදලින් ලැබුණි"),
        ("මුදල් ලදුපත", "ගෙවූ මුදල", "ස්තූතියි"),
        ("රිසිට්පත", "අත්තිකාරම්", "භාර ගත්තා"),
    ),
    ("si", "credit"): (
        ("ණය බිල්පත", "හිඟ මුදල", "පසුව ගෙවන්න"),
        ("ණය පොත", "ණය මුදල", "ගෙවීමට ඇත"),
        ("හිඟ දැන්වීම", "ගෙවිය යුතු මුදල", "ණයට ගත් භාණ්ඩ"),
    ),
}
"""Title, words before the amount, and remark of slips: those of texts, more than are drawn."""
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTHS_HI = "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर".split()
_FIGURES_HI = str.maketrans("0123456789", "०१२३४५६७८९")
_MONTHS_SI = "ජනවාරි පෙබරවාරි මාර්තු අප්‍රේල් මැයි ජූනි ජූලි අගෝස්තු සැප්තැම්බර් ඔක්තෝබර් නොවැම්බර් දෙසැම්බර්".split()


def titles_of(language: str) -> frozenset[str]:
    """All that a paper may be called by."""
    return frozenset(_SAID[language]["title"])


class Words:
    """One shop's choice of words and forms, kept through its document."""

    def __init__(self, rng: random.Random, *, language: str) -> None:
        self.language = language
        self._chosen = {name: rng.choice(options) for name, options in _SAID[language].items()}
        self.sign = rng.choice(_SIGNS[language])
        self.grouped = rng.random() < 0.6
        self.slashed = rng.random() < 0.06
        self.colon = rng.choice((": ", " : ", ":", " "))
        self.day_form = rng.randrange(7)
        self.own_figures = language == "hi" and rng.random() < 0.15

    def __getitem__(self, name: str) -> str:
        return self._chosen[name]

    def figures(self, text: str) -> str:
        """A number as this shop writes it: some in Hindi write ०-९."""
        return text.translate(_FIGURES_HI) if self.own_figures else text

    def number(self, number: str) -> str:
        """A bill's number: one with letters stays as it is."""
        return self.figures(number) if number.isdigit() else number

    def money(self, value: Decimal) -> str:
        """An amount as this shop prints it in columns."""
        return self.figures(self._grouped(value))

    def _grouped(self, value: Decimal) -> str:
        if self.language == "si":
            return f"{value:,.2f}" if self.grouped else f"{value:.2f}"
        whole, paise = f"{value:.2f}".split(".")
        if self.grouped and len(whole.lstrip("-")) > 3:
            head, tail = whole[:-3], whole[-3:]
            parts: list[str] = []
            while len(head) > 2:
                parts.insert(0, head[-2:])
                head = head[:-2]
            whole = ",".join([head, *parts, tail] if head else [*parts, tail])
        return f"{whole}.{paise}"

    def total(self, value: Decimal) -> str:
        """The total, with the currency's sign where this shop prints one."""
        if self.slashed and value == value.to_integral_value():
            return f"{self.sign}{self.money(value)[:-3]}/-"
        return f"{self.sign}{self.money(value)}"

    def day(self, day: date) -> str:
        """A day as this shop writes it."""
        return self.figures(self._day(day))

    def _day(self, day: date) -> str:
        if self.language == "si":
            return self._day_in_colombo(day)
        month = (_MONTHS_HI if self.language == "hi" else _MONTHS)[day.month - 1]
        return (
            f"{day:%d/%m/%Y}",
            f"{day:%d-%m-%Y}",
            f"{day:%d/%m/%y}",
            f"{day:%d}-{month}-{day:%Y}",
            f"{day.day} {month} {day.year}",
            f"{day:%d.%m.%Y}",
            f"{day:%d-%m-%y}",
        )[self.day_form]

    def _day_in_colombo(self, day: date) -> str:
        return (
            f"{day:%d/%m/%Y}",
            f"{day:%Y-%m-%d}",
            f"{day:%Y/%m/%d}",
            f"{day.day} {_MONTHS_SI[day.month - 1]} {day.year}",
            f"{day:%d-%m-%Y}",
            f"{day:%d.%m.%Y}",
            f"{day.year} {_MONTHS_SI[day.month - 1]} {day.day}",
        )[self.day_form]
