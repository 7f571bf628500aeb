"""Words that say what stands beside them: total, tax, date, bill number. English, Hindi, Hinglish,
Sinhala. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz

from munshi_inference.documents.letters import key

CLOSE = 86.0
"""Similarity, 0 to 100, from which a misread label of six letters or more is taken."""


_BETWEEN = re.compile(r"[.:/\s]+")


class Label(StrEnum):
    """What a row's words announce."""

    GRAND_TOTAL = "grand_total"
    TOTAL = "total"
    SUBTOTAL = "subtotal"
    TAX_TOTAL = "tax_total"
    TAX = "tax"
    DISCOUNT = "discount"
    ROUND_OFF = "round_off"
    PAID = "paid"
    CHANGE = "change"
    COUNT = "count"
    SAVED = "saved"
    CHARGE = "charge"
    NUMBER = "number"
    DATE = "date"
    OTHER_DATE = "other_date"
    BUYER = "buyer"
    SELLER = "seller"
    TITLE = "title"
    HEADER = "header"


_PHRASES: Mapping[Label, str] = {
    Label.GRAND_TOTAL: "grand total|net amount|net total|net payable|net amt|amount payable|total payable|"
    "bill amount|bill total|invoice total|invoice value|invoice amount|total amount|amount due|balance due|"
    "total due|to pay|amount to pay|final amount|net bill amount|total bill amount|total invoice value|"
    "total inr|total rs|grand tot|gr total|total amt|payable amount|total paid|amount paid|sale amount|"
    "कुल राशि|कुल देय|देय राशि|कुल योग|कुल रकम|कुल बिल|महायोग|कुल जमा|शुद्ध राशि|कुल भुगतान|देय रकम|"
    "बाकी रकम|कुल बाकी|कुल बकाया|बकाया राशि|amount received|net bill|total received|"
    "प्राप्त राशि|कुल प्राप्त|जमा राशि|total value|bill value|fare total|"
    "kul rashi|kul yog|kul rakam|kul total|total rashi|"
    "මුළු එකතුව|මුළු මුදල|මුළු වටිනාකම|මුළු ගණන|ගෙවිය යුතු මුදල|ගෙවිය යුතු එකතුව|ශුද්ධ එකතුව|"
    "හිඟ මුදල|ලැබුණු මුදල",
    Label.TOTAL: "total|amount|कुल|योग|जोड़|टोटल|kul|jod|එකතුව|මුදල",
    Label.SUBTOTAL: "sub total|subtotal|sub tot|taxable value|taxable amount|taxable amt|total before tax|"
    "amount before tax|gross amount|gross total|basic amount|item total|items total|food total|"
    "assessable value|उप योग|उपयोग|उप कुल|उप जोड़|कर पूर्व|कर योग्य राशि|"
    "උප එකතුව|අතුරු එකතුව",
    Label.TAX_TOTAL: "total tax|total gst|tax amount|total tax amount|gst amount|taxes|कुल कर|gst total|මුළු බදු",
    Label.TAX: "cgst|sgst|igst|utgst|vat|gst|tax|cess|service tax|sales tax|कर|जीएसटी|सीजीएसटी|एसजीएसटी|"
    "केंद्रीय कर|राज्य कर|sscl|බදු|වැට්",
    Label.DISCOUNT: "discount|disc|less|छूट|coupon|promo|වට්ටම|වට්ටම්",
    Label.ROUND_OFF: "round off|roundoff|rounding|rounded off|rounding adj|round|पूर्णांक|r off|වටකිරීම|වටයුම",
    Label.PAID: "cash|card|upi|tendered|amount tendered|cash tendered|received|cash received|amount received|"
    "paid|paid by|advance|credit card|debit card|phonepe|paytm|gpay|नकद|प्राप्त|जमा|भुगतान|cash paid|"
    "ගෙවූ මුදල|මුදලින්|මුදල්|කාඩ්පත",
    Label.CHANGE: "change|balance|change due|return|वापस|बाकी|शेष|change returned|previous balance|"
    "old balance|refund|cash return|ඉතිරිය|ඉතිරි මුදල",
    Label.COUNT: "total qty|total quantity|total items|no of items|item count|items|qty|pcs|total pcs|"
    "कुल नग|कुल वस्तु|total no of items|total units|total nos|භාණ්ඩ ගණන|අයිතම ගණන|"
    "මුළු ප්‍රමාණය",
    Label.SAVED: "amount after due date|payable after due date|after due date|late fee|previous due|"
    "you saved|total savings|savings|your savings|total saving|mrp total|total mrp|आपने बचाए|"
    "points|total discount|बचत",
    Label.CHARGE: "service charge|packing|packing charges|delivery charge|delivery|freight|transport|tip|"
    "container charge|parcel charge|सेवा शुल्क|shipping|handling|convenience fee|labour|भाड़ा|ढुलाई|"
    "සේවා ගාස්තුව|ප්‍රවාහන ගාස්තුව",
    Label.NUMBER: "invoice no|invoice number|inv no|bill no|bill number|receipt no|receipt number|voucher no|"
    "memo no|cash memo no|invoice|inv|bill|receipt|order no|token no|txn no|transaction id|ref no|"
    "slip no|challan no|tax invoice no|check no|ticket no|order id|invoice id|document no|doc no|"
    "बिल नं|बिल संख्या|बिल क्रमांक|रसीद नं|रसीद संख्या|रसीद क्रमांक|चालान नं|क्रमांक|बिल नंबर|bill id|vch no|"
    "fcc id|trn no|rcpt no|रसीद|बिल|බිල් අංකය|බිල්පත් අංකය|රිසිට්පත් අංකය|ඉන්වොයිස් අංකය|අංකය",
    Label.DATE: "date|dated|dt|bill date|invoice date|inv date|receipt date|दिनांक|तारीख|तिथि|date time|"
    "date of issue|issued on|issue date|bill dt|දිනය|දින",
    Label.OTHER_DATE: "due date|expiry|exp date|exp|mfg|delivery date|valid till|valid upto|due on|"
    "order date|po date|best before|payment due|ack date|dob|next visit|due by|चुकाने की तिथि|अंतिम तिथि|use by|"
    "challan date|return by|ගෙවිය යුතු දිනය|කල් ඉකුත් වන දිනය",
    Label.BUYER: "bill to|billed to|ship to|buyer|customer|sold to|customer name|party|party name|patient|"
    "consignee|ग्राहक|खरीदार|name|guest|m s|patient name|नाम|to|invoice to|deliver to|delivered to|"
    "shipping address|billing address|පාරිභෝගිකයා|පාරිභෝගික|ගැනුම්කරු|නම",
    Label.SELLER: "sold by|seller|from|supplier|vendor|विक्रेता|merchant|issued by|paid to|විකුණුම්කරු",
    Label.TITLE: "tax invoice|cash memo|retail invoice|invoice|receipt|bill|cash bill|bill of supply|"
    "cash receipt|estimate|retail bill|sale bill|original|duplicate|original for recipient|credit memo|"
    "customer copy|merchant copy|welcome|thank you|बिल|रसीद|नकद बिल|कैश मेमो|धन्यवाद|नगद बिल|सूचना|"
    "proforma invoice|quotation|delivery challan|payment receipt|fuel receipt|restaurant bill|"
    "om|shree|shri|shri ganeshay namah|श्री|श्री गणेशाय नमः|ॐ|जय माता दी|tax invoice cash memo|copy|"
    "original copy|computer generated invoice|retail cash memo|gst invoice|service invoice|"
    "බිල්පත|රිසිට්පත|මුදල් බිල්පත|ඉන්වොයිසිය|ණය බිල්පත|ගෙවීම් රිසිට්පත|ස්තූතියි|බිල|"
    "सामान सूची|कर चालान|चालान|कर बीजक|बीजक|cash credit memo|online receipt|sales receipt|take away|dine in",
    Label.HEADER: "description|particulars|item name|item|product|qty rate amount|rate amount|"
    "description of goods|qty price|विवरण|सामान|वस्तु|मात्रा दर|name of product|hsn|hsn sac|sr no|"
    "sno|item description|qty|rate|मात्रा|राशि|दर|sl no|particular|goods|"
    "විස්තරය|භාණ්ඩය|භාණ්ඩ|අයිතමය|ප්‍රමාණය|ගණන|මිල|වටිනාකම",
}

_BUYER = re.compile(
    r"^\W*(?:(?:bill(?:ed)? to|ship to|sold to|buyer|customer|consignee|party|patient|ग्राहक|मरीज|පාරිභෝගිකයා|"
    r"පාරිභෝගික|ගැනුම්කරු)\b|"
    r"(?:name|m/s|guest|to|नाम|श्री|නම)\s*[.:,\-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Match:
    """A label found in a row. `share`: of the row's letters that belong to it, 0 to 1."""

    label: Label
    phrase: str
    share: float


_KEYS: tuple[tuple[str, Label], ...] = tuple(
    sorted(
        {(key(phrase), label) for label, phrases in _PHRASES.items() for phrase in phrases.split("|")},
        key=lambda pair: (-len(pair[0]), pair[0], pair[1]),
    )
)
_BY_LABEL: Mapping[Label, tuple[str, ...]] = {
    label: tuple(phrase for phrase, of in _KEYS if of is label) for label in Label
}


def _starts_word(phrase: str, words: list[str]) -> bool:
    """Whether a phrase begins where a word begins, and ends where one ends."""
    for first in range(len(words)):
        joined = ""
        for word in words[first:]:
            joined += word
            if len(joined) >= len(phrase):
                break
        if joined == phrase:
            return True
    return False


def find(text: str, labels: frozenset[Label]) -> Match | None:
    """The longest label of these that a row holds; misread letters are forgiven in long ones."""
    words = [
        k for word in text.replace(".", " ").replace(":", " ").replace("/", " ").split() if (k := key(word))
    ]
    letters = "".join(words)
    if not letters:
        return None
    for phrase, label in _KEYS:
        if label not in labels or len(phrase) > len(letters) + 1:
            continue
        inside = phrase in letters if len(phrase) >= 6 else _starts_word(phrase, words)
        if inside:
            return Match(label, phrase, len(phrase) / len(letters))
    return _nearly(letters, labels)


def _nearly(letters: str, labels: frozenset[Label]) -> Match | None:
    best: Match | None = None
    nearest = CLOSE
    for phrase, label in _KEYS:
        if label not in labels or len(phrase) < 6 or len(phrase) > len(letters) + 2:
            continue
        similar = (
            fuzz.partial_ratio(phrase, letters)
            if len(letters) >= len(phrase)
            else fuzz.ratio(phrase, letters)
        )
        if similar > nearest:
            best, nearest = Match(label, phrase, min(1.0, len(phrase) / len(letters))), similar
    return best


def names_buyer(text: str) -> bool:
    """Whether a row begins with the buyer's name."""
    return bool(_BUYER.match(text))


def phrases(label: Label) -> tuple[str, ...]:
    """The keys of a label's phrases, longest first."""
    return _BY_LABEL[label]
