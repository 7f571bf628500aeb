"""What invoices and what tills print around goods and sums, in three languages: for texts. Pure.

An invoice asks a named buyer for money, or lets a business claim the tax: buyer and place of supply, HSN
codes, terms, bank, signature. A receipt says what was bought and paid at the counter; that a till's paper
calls itself a tax invoice makes none of it.
"""

import random
from collections.abc import Mapping

from munshi.contracts.media import FileKind

Rows = tuple[str, ...]

INVOICE_TITLES: Mapping[str, Rows] = {
    "en": (
        *("TAX INVOICE", "TAX INVOICE", "TAX INVOICE", "INVOICE", "INVOICE", "GST INVOICE", "BILL OF SUPPLY"),
        *("CREDIT INVOICE", "Sales Invoice", "SERVICE INVOICE", "COMMERCIAL INVOICE", "CREDIT BILL", "BILL"),
    ),
    "hi": ("कर बीजक", "टैक्स इनवॉइस", "इनवॉइस", "बीजक", "जीएसटी बिल", "उधार बिल", "TAX INVOICE", "बिल"),
    "si": ("ඉන්වොයිසිය", "බදු ඉන්වොයිසිය", "බදු ඉන්වොයිස්", "ඉන්වොයිස්", "ණය බිල්පත", "INVOICE", "TAX INVOICE", "බිල්පත"),
}
RECEIPT_TITLES: Mapping[str, Rows] = {
    "en": (
        *(
            "CASH MEMO",
            "CASH BILL",
            "BILL",
            "RECEIPT",
            "Cash Receipt",
            "RETAIL BILL",
            "Guest Check",
            "ESTIMATE",
        ),
        *("SALE RECEIPT", "RETAIL INVOICE", "TAX INVOICE", "INVOICE", "Customer Copy", "Bill / Cash Memo"),
    ),
    "hi": ("नकद बिल", "कैश मेमो", "रसीद", "बिल", "नकद पर्ची", "खुदरा बिल", "कच्चा बिल", "CASH MEMO", "टैक्स इनवॉइस"),
    "si": ("බිල්පත", "රිසිට්පත", "මුදල් බිල්පත", "කුවිතාන්සිය", "CASH BILL", "RECEIPT", "බිල", "ඉන්වොයිසිය"),
}
_INVOICE: Mapping[str, Rows] = {
    "en": (
        *("Place of Supply: Maharashtra (27)", "State: Gujarat  Code: 24", "Reverse Charge: No", "HSN/SAC"),
        *(
            "P.O. No: {n}  Dated: 02/10/2026",
            "Buyer's Order No: {n}",
            "Delivery Note: {n}",
            "E-Way Bill No: {n}",
        ),
        *(
            "Despatched through: Road",
            "Transport: {person} Transport",
            "Vehicle No: MH12 AB {n}",
            "Terms: 30 days",
        ),
        *(
            "Payment Terms: Net 15",
            "Mode of Payment: Credit",
            "Due within 7 days",
            "Amount in words: Rupees only",
        ),
        *(
            "INR Five Thousand Two Hundred Only",
            "Bank: State Bank of India",
            "A/c No: 3021{n}",
            "IFSC: SBIN000{n}",
        ),
        *(
            "Terms & Conditions",
            "Subject to Pune jurisdiction",
            "Interest @ 18% p.a. on overdue bills",
            "E.& O.E.",
        ),
        *(
            "Authorised Signatory",
            "Receiver's Signature",
            "For {vendor}",
            "Original for Recipient",
            "IRN: {n}a{n}",
        ),
        *(
            "Duplicate for Transporter",
            "Ship To: {person}",
            "Bill To: {person}",
            "Consignee: {person}",
            "Kind Attn",
        ),
        *(
            "Description of Goods  HSN/SAC  Qty  Unit  Rate  Per  Amount",
            "Sr No  Particulars  HSN  GST %  Taxable",
        ),
        *(
            "We declare that this invoice shows the actual price",
            "Total Taxable Value  Total Tax",
            "PAN: ABCDE{n}F",
        ),
        *(
            "Please make payment by NEFT",
            "Certified that the particulars are true",
            "Customer GSTIN: {gstin}",
        ),
        *("Buyer GSTIN: {gstin}", "Party: M/s {person}", "Agreement No: {n}", "Billing Period: Oct 2026"),
    ),
    "hi": (
        *(
            "राज्य कोड: 09",
            "आपूर्ति का स्थान: उत्तर प्रदेश",
            "एचएसएन कोड",
            "एचएसएन  मात्रा  इकाई  दर  राशि",
            "परिवहन: ट्रक",
        ),
        *("शब्दों में: पांच हजार दो सौ रुपये मात्र", "अक्षरी रुपये मात्र", "बैंक: भारतीय स्टेट बैंक", "खाता संख्या: {n}{n}"),
        *(
            "आईएफएससी कोड: SBIN000{n}",
            "नियम व शर्तें",
            "नियम एवं शर्तें लागू",
            "अधिकृत हस्ताक्षर",
            "प्राप्तकर्ता के हस्ताक्षर",
        ),
        *(
            "वास्ते {vendor}",
            "कृते {vendor}",
            "भुगतान शर्त: 15 दिन",
            "देय तिथि: 30/11/2026",
            "मूल प्रति",
            "क्रेता: {person}",
        ),
        *(
            "क्रेता का GSTIN: {gstin}",
            "खरीदार: {person}",
            "सेवा में, {person}",
            "न्याय क्षेत्र इंदौर",
            "वाहन संख्या: UP32 {n}",
        ),
        *("ऑर्डर नं: {n}", "ई-वे बिल: {n}", "विलंब पर 18% ब्याज लगेगा", "फर्म: {person}", "कर योग्य मूल्य  कुल कर"),
    ),
    "si": (
        *(
            "අනුමත අත්සන",
            "භාරගත් අත්සන",
            "බැංකුව: ලංකා බැංකුව",
            "ගිණුම් අංකය: {n}{n}",
            "ණය කාලය: දින 30",
            "ගැනුම්කරු: {person}",
        ),
        *("නියමයන් හා කොන්දේසි", "අකුරින්: රුපියල් පන්දහස් දෙසියය පමණි", "බදු ලියාපදිංචි අංකය: {n}-7000", "ඇණවුම් අංකය: {n}"),
        *(
            "ප්‍රවාහනය: ලොරි",
            "වාහන අංකය: WP {n}",
            "චෙක්පත ලියන්න {vendor}",
            "ගෙවිය යුතු දිනය: 2026/12/15",
            "පාරිභෝගිකයා: {person}",
        ),
        *("සැපයූ දිනය", "බදු අංකය {n}", "VAT No: {n}-7000", "මුල් පිටපත", "මහතා/මිය: {person}"),
    ),
}
_RECEIPT: Mapping[str, Rows] = {
    "en": (
        *(
            "Cashier: {person}",
            "Counter: {small}",
            "POS {small}",
            "Token No: {small}",
            "Time: 18:42",
            "Time 11:05 AM",
        ),
        *(
            "Paid by UPI",
            "UPI Ref: {n}{n}",
            "Card XXXX{n}",
            "Approval Code: {n}",
            "Points earned: {small}",
            "Till {small}",
        ),
        *(
            "No exchange without bill",
            "Customer Copy",
            "Have a nice day",
            "Incl. of all taxes",
            "Rate incl. GST",
        ),
        *(
            "FSSAI Lic No: {n}{n}",
            "Cash  Change",
            "Tendered  Balance",
            "Items: {small}  Qty: {small}",
            "Visit again",
        ),
        *(
            "No refund",
            "Served by {person}",
            "Salesman: {person}",
            "Order No: {small}",
            "Take Away",
            "Name: Cash",
        ),
        *("Thank you for shopping", "All prices inclusive of tax", "Save paper", "Cash Sale", "Txn ID {n}"),
    ),
    "hi": (
        *(
            "काउंटर: {small}",
            "कैशियर: {person}",
            "समय: 18:42",
            "टोकन नं: {small}",
            "यूपीआई से भुगतान",
            "नकद भुगतान किया",
        ),
        *(
            "पुनः पधारें",
            "फिर मिलेंगे",
            "दोबारा आइए",
            "सभी कर सहित",
            "कुल नग: {small}",
            "ग्राहक: नकद",
            "नकद प्राप्त  वापस",
        ),
        *(
            "बिका माल वापस नहीं होगा",
            "भूल चूक लेनी देनी",
            "शुभ यात्रा",
            "विक्रेता: {person}",
            "टेबल नं: {small}",
            "चुकता",
        ),
    ),
    "si": (
        *(
            "මුදල් අයකැමි: {person}",
            "වේලාව: 18:42",
            "කවුන්ටරය: {small}",
            "මුදලින් ගෙවන ලදී",
            "කාඩ්පතින් ගෙවන ලදී",
            "නැවත එන්න",
        ),
        *(
            "ඔබට ස්තූතියි",
            "භාණ්ඩ මාරු කිරීම දින 7ක් තුළ",
            "අයිතම: {small}",
            "ගෙවූ මුදල  ඉතිරිය",
            "මේස අංකය: {small}",
            "ටෝකන්: {small}",
        ),
    ),
}


def rows(kind: FileKind, language: str, rng: random.Random, values: Mapping[str, str]) -> list[str]:
    """Some rows of the kind, mostly; now and then one of the other, as real papers have."""
    own, other = (_INVOICE, _RECEIPT) if kind is FileKind.INVOICE else (_RECEIPT, _INVOICE)
    most = rng.choice((0, 1, 2, 3, 4, 6))
    found = rng.sample(own[language], min(most, len(own[language])))
    if rng.random() < 0.08:
        found.append(rng.choice(other[language]))
    if rng.random() < 0.15:
        found += rng.sample(own["en"], 1)
    return [row.format_map(values) for row in found]


def title(kind: FileKind, language: str, rng: random.Random) -> str:
    """How a paper of the kind calls itself."""
    return rng.choice((INVOICE_TITLES if kind is FileKind.INVOICE else RECEIPT_TITLES)[language])
