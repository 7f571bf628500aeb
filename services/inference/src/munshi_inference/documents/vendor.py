"""Who wrote the document: the name at its head. Pure."""

import re
import statistics
from collections.abc import Sequence

from munshi_inference.documents import labels
from munshi_inference.documents.labels import Label
from munshi_inference.documents.letters import key, plain
from munshi_inference.documents.pieces import Row

HEAD = 0.45
"""Share of the rows in which a vendor is looked for."""

_ADDRESS = re.compile(
    r"\b(road|rd|street|st|nagar|marg|lane|colony|sector|floor|plot|near|opp|opposite|chowk|bazaar?|market|dist|"
    r"district|pin|pincode|block|phase|cross|main|layout|complex|building|tower|mall|highway|circle|stage|"
    r"shop\s*no|gali|mohalla|vihar|enclave|west|east|north|south|town|village|po|ps|taluka?|tehsil|state|india|"
    r"pune|mumbai|delhi|bengaluru|bangalore|chennai|kolkata|hyderabad|jaipur|lucknow|indore|bhopal|nagpur|"
    r"ahmedabad|surat|patna|kanpur|colombo|kandy|maharashtra|gujarat|karnataka|rajasthan|bihar|uttar|pradesh)\b|"
    r"रोड|मार्ग|नगर|गली|चौक|बाज़ार|बाजार|पिन|जिला|मोहल्ला|कॉलोनी|सड़क|के पास|පාර|මාවත|වීදිය|අසල|කොළඹ|"
    r"\b\d{6}\b|\b\d{3}\s\d{3}\b",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"\b(ph|phone|mob|mobile|tel|contact|email|e-mail|www|gstin|gst|fssai|cin|pan|tin|lic|d\.?l|reg|fax|whatsapp|helpline)\b|"
    r"@|\.com|\.in\b|फोन|मो\.|मोबाइल|දුරකථන|දු\.ක|\d{8,}|\d{5}\s\d{5}",
    re.IGNORECASE,
)
_TRADE = re.compile(
    r"\b(stores?|traders?|trading|enterprises?|pvt|ltd|limited|llp|kirana|general|provision|medicals?|pharmacy|chemists?|"
    r"restaurant|cafe|bakery|sweets?|hotel|bhojnalaya|dhaba|mart|bazaar|agency|agencies|electronics?|hardware|"
    r"textiles?|garments?|sarees?|petroleum|filling|station|fuels?|service|services|industries|company|co|bros|"
    r"brothers|sons|supermarket|super|foods?|dairy|jewellers?|stationer[sy]|mobiles?|furniture|opticals?|clinic|"
    r"hospital|tyres?|auto|motors?|book|depot|house|centre|center|corner|emporium|fashions?|footwear|studio|"
    r"kitchen|tiffins?|darshan|bhavan|distributors?|wholesalers?|suppliers?|paints?|steels?|logistics|travels?|"
    r"communications?|telecom|solutions|technologies|energy|power|boutique|silks?|plaza|grocers?|organics)\b|"
    r"स्टोर|स्टोर्स|भंडार|ट्रेडर्स|एंटरप्राइज|मेडिकल|किराना|मिष्ठान|भोजनालय|होटल|एजेंसी|ज्वेलर्स|वस्त्रालय|रेस्टोरेंट|"
    r"डेयरी|जनरल|प्रोविजन|इलेक्ट्रॉनिक्स|हार्डवेयर|केंद्र|सेंटर|दुकान|फार्मेसी|ब्रदर्स|संस|ढाबा|स्वीट्स|बेकरी|पेट्रोल|"
    r"ස්ටෝර්ස්|වෙළඳ|කඩය|ග්රොසරි|මාර්කට්|හාඩ්වෙයාර්|සාප්පුව|ෆාමසිය|හෝටලය|බේකරිය|රෙස්ටුරන්ට්|පොත් හල|ට්රේඩර්ස්|සැල",
    re.IGNORECASE,
)
_STOP = frozenset({Label.NUMBER, Label.DATE, Label.HEADER, Label.BUYER, Label.GRAND_TOTAL, Label.SUBTOTAL})
_SELLER = re.compile(
    r"^\s*(?:sold by|seller|supplier|vendor|from|merchant|issued by|विक्रेता)\s*[:\-]\s*(?P<name>.*)$",
    re.IGNORECASE,
)
_PAID_TO = re.compile(r"^\s*paid to\s+(?P<name>[^\W\d].{2,})$", re.IGNORECASE)
_EDGE = " .,:;*|-_=~'\"`•#"


def _score(row: Row, order: int, median: float) -> float:
    """How like a vendor's name a row of the head looks."""
    text = plain(row.text)
    letters = len(key(text))
    if letters < 3:
        return -9.0
    score = 2.0 - 0.35 * order + 2.5 * min(row.height / median - 1.0, 1.5)
    score += (
        1.2 * bool(_TRADE.search(text))
        - 2.2 * bool(_ADDRESS.search(text))
        - 3.0 * bool(_CONTACT.search(text))
    )
    score -= 2.0 * (sum(c.isdigit() for c in text) / len(text) > 0.25)
    title = labels.find(text, frozenset({Label.TITLE}))
    if title is not None and title.share > 0.6:
        score -= 5.0
    if labels.names_buyer(text):
        score -= 5.0
    stop = labels.find(text, _STOP)
    if stop is not None and stop.share > 0.3:
        score -= 4.0
    return score + (0.4 if text.isupper() else 0.0) + row.confidence - (2.0 if letters > 45 else 0.0)


def _head(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """Columns of the first rows, each with the index of its row."""
    most = max(5, int(len(rows) * HEAD))
    return [(i, column) for i, row in enumerate(rows[: min(most, 14)]) for column in row.columns]


def tidy(text: str) -> str:
    """A name without frames and marks around it."""
    name = re.sub(r"\s+", " ", plain(text)).strip(_EDGE)
    return re.sub(r"^(?:m/s\.?|messrs\.?)\s+", "", name, flags=re.IGNORECASE)


def find(rows: Sequence[Row]) -> tuple[str | None, float]:
    """The vendor's name and how sure it is, 0 to 1."""
    for index, row in enumerate(rows[:20]):
        named = _SELLER.match(plain(row.text))
        if named:
            name = named["name"] or (rows[index + 1].text if index + 1 < len(rows) else "")
            if len(key(name)) >= 3 and not _ADDRESS.search(name):
                return tidy(name), 0.85
        if paid := _PAID_TO.match(plain(row.text)):
            return tidy(paid["name"]), 0.8
    head = _head(rows)
    if not head:
        return None, 0.0
    median = statistics.median(row.height for row in rows)
    scored = sorted(
        ((_score(row, i, median), -i, -n, row) for n, (i, row) in enumerate(head)), key=lambda s: s[:3]
    )
    score, _, _, row = scored[-1]
    if score < 0.0:
        return None, 0.0
    rival = scored[-2][0] if len(scored) > 1 else -2.0
    sure = 0.45 + 0.1 * min(score, 3.0) + 0.1 * min(max(score - rival, 0.0), 2.0)
    return tidy(row.text), min(sure * min(1.0, row.confidence + 0.05), 0.98)
