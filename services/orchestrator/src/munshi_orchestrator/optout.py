"""Words by which a person ends or takes up again what a business sends: facts, a list for each assistant.

Only a whole message counts: "stop" ends it, "stop sending 500 rupees" does not. A ledger is the person's own
books, so its list holds only words that cannot be meant otherwise; "band karo" or "remove" could be a command
to the books and are not on it.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from munshi.contracts.tenant import AssistantKind


class Wish(StrEnum):
    """What the person wants."""

    STOP = "stop"
    START = "start"


_PLAIN = {code: " " for code in range(128) if unicodedata.category(chr(code))[0] in "PSZC"}
"""What is no letter or digit of ASCII, to be read as a space."""


def _normalised(text: str) -> str:
    """Small letters, no accents on Latin letters, one space between words, no punctuation or symbol."""
    if text.isascii():  # the same by a table: character by character it is a hundredth of a turn
        return " ".join(text.lower().translate(_PLAIN).split())
    kept = []
    for char in unicodedata.normalize("NFD", text.casefold()):
        category = unicodedata.category(char)
        if category == "Mn" and "\u0300" <= char <= "\u036f":
            continue
        kept.append(" " if category[0] in "PSZC" and char not in "\u200c\u200d" else char)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _words(words: set[str]) -> frozenset[str]:
    return frozenset(map(_normalised, words))


_STOP_ALWAYS = _words(
    {
        # English
        "stop", "unsubscribe", "stop messages", "opt out", "optout", "unsubscribe me", "stop messaging me",
        # Hindi, in both scripts
        "unsubscribe karo", "unsubscribe kar do", "message band karo", "messages band karo",
        "msg band karo", "message mat bhejo", "messages mat bhejo", "message bhejna band karo",
        "स्टॉप", "अनसब्सक्राइब", "संदेश बंद करो", "मैसेज बंद करो", "मैसेज मत भेजो", "संदेश मत भेजो",
        # Spanish, French
        "cancelar suscripcion", "no mas mensajes", "se desabonner", "desabonner", "arretez les messages",
        # Sinhala, Tamil
        "පණිවිඩ නවත්වන්න", "செய்திகளை நிறுத்து", "செய்திகளை நிறுத்தவும்",
    }
)  # fmt: skip
_STOP_OUTREACH = _words(
    {
        "remove", "remove me", "stopall", "stop all", "end", "quit", "cancel subscription", "baja", "parar",
        "detener", "arret", "arreter", "stopp", "band karo", "बंद करो", "நிறுத்து", "නවත්වන්න",
    }
)  # fmt: skip
_START = _words(
    {
        "start", "subscribe", "unstop", "resume", "start messages", "shuru karo", "chalu karo", "स्टार्ट",
        "शुरू करो", "चालू करो", "empezar", "reanudar", "commencer", "reprendre", "ආරම්භ කරන්න", "தொடங்கு",
    }
)  # fmt: skip

_STOPS: Mapping[AssistantKind, frozenset[str]] = {
    AssistantKind.LEDGER: _STOP_ALWAYS,
    AssistantKind.INVOICES: _STOP_ALWAYS,
    AssistantKind.CONCIERGE: _STOP_ALWAYS | _STOP_OUTREACH,
    AssistantKind.SALES: _STOP_ALWAYS | _STOP_OUTREACH,
    AssistantKind.SUPPORT: _STOP_ALWAYS | _STOP_OUTREACH,
}


_LONGEST = 40


def wish_of(assistant: AssistantKind, text: str, *, opted_out: bool) -> Wish | None:
    """What a whole message asks for. Start words mean something only to who has stopped."""
    if not text or len(text) > _LONGEST:
        return None
    said = _normalised(text)
    if said in _STOPS[assistant]:
        return Wish.STOP
    if opted_out and said in _START:
        return Wish.START
    return None
