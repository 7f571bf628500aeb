"""The number of a bill or an invoice. Pure."""

import re
from collections.abc import Sequence

from munshi_inference.documents import labels
from munshi_inference.documents.labels import Label
from munshi_inference.documents.letters import key, plain

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9/\-_.]*")
_DAY = re.compile(r"^\d{1,4}[-/.](\d{1,2}|[A-Za-z]{3})[-/.]\d{2,4}$")
_NAMED = re.compile(
    r"(?:(?:tax\s*)?inv(?:oice|olce|o1ce)?|bill|bil1|receipt|rcpt|voucher|vch|(?:cash\s*)?memo|slip|challan|order|token|"
    r"txn|transaction|booking|ref|ticket|document|doc|check|trn|chk|कैश मेमो|बिल|रसीद|चालान|बीजक|आदेश|"
    r"බිල්පත්|බිල්|රිසිට්පත්|ඉන්වොයිස්)\s*"
    r"(?:(?:number|num|no|n0|id|नंबर|नं|न॑|संख्या|क्रमांक|क्र|सं|අංකය)(?![^\W\d_])\.?|#|\S{1,2}(?=\s*:))?\s*[.:#=;\-]*\s*"
    r"(?P<value>[A-Za-z0-9#][\w/\-.]*)?",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:\bno\b|\bn0\b|#|क्रमांक|क्र\b|संख्या|नं|අංකය)\s*[.:#।;]*\s*(?P<value>[A-Za-z0-9][\w/\-.]*)", re.IGNORECASE
)
_NEXT = re.compile(r" (?P<value>[A-Za-z0-9][\w/\-]{3,})")
_STRONG = tuple(
    "invoice inv bill receipt rcpt memo voucher vch बिल रसीद चालान बीजक challan බිල් රිසිට්පත් ඉන්වොයිස්".split()
)
_FOREIGN = re.compile(
    r"gst|fssai|phone|mob|tel|pan\b|pin\b|lic|d\.?l\.?|hsn|vehicle|nozzle|a/c|account|table|cin\b|state|uin",
    re.IGNORECASE,
)


def _fits(value: str) -> bool:
    """Whether a token can be a bill's number: it has a digit and is no day."""
    bare = value.strip(".-/_#")
    return bool(re.search(r"\d", bare)) and not _DAY.match(bare) and 1 <= len(bare) <= 20


def _below(texts: Sequence[str], index: int) -> str | None:
    """The number in a row of its own under its label."""
    if index + 1 >= len(texts):
        return None
    tokens = _TOKEN.findall(texts[index + 1])
    good = [t for t in tokens if _fits(t)]
    return good[0] if good else None


def find(texts: Sequence[str]) -> tuple[str | None, float]:
    """The number and how sure it is, 0 to 1, from a document's rows."""
    best: tuple[float, int, str] | None = None
    for index, raw in enumerate(texts):
        text = plain(raw)
        for match in _NAMED.finditer(text):
            word = key(match[0][: match.start("value") - match.start()] if match["value"] else match[0])
            said_no = bool(re.search(r"no|n0|num|#|नं|संख्या|क्रमांक|id|අංකය", match[0], re.IGNORECASE))
            value = match["value"]
            if value is not None and len(value) == 1 and (after := _NEXT.match(text, match.end())):
                value = after["value"] if _fits(after["value"]) else value  # the one was a misread word
            sure = 0.55 + 0.35 * said_no + (0.08 if word.startswith(_STRONG) or "inv" in word else -0.25)
            if value is None or not _fits(value):
                if not said_no:
                    continue
                value, sure = _below(texts, index), sure - 0.3
            if value is None or not _fits(value):
                continue
            ranked = (sure, -index, value.strip(".-/_#"))
            best = max(best, ranked) if best else ranked
        if best is None or best[0] < 0.5:
            alone = _NO.search(text)
            if alone and _fits(alone["value"]) and not _FOREIGN.search(text) and index < 0.5 * len(texts) + 1:
                ranked = (0.5, -index, alone["value"].strip(".-/_#"))
                best = max(best, ranked) if best else ranked
    return (best[2], min(best[0], 0.98)) if best else (None, 0.0)


def is_labelled(text: str) -> bool:
    """Whether a row announces a number."""
    match = labels.find(text, frozenset({Label.NUMBER}))
    return match is not None and bool(re.search(r"\d", text))
