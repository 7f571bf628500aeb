"""What the platform itself says to a person, apart from any assistant: short, polite, in the person's
writing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from munshi.contracts.understanding import Language, Script


class Notice(StrEnum):
    """Occasions to say something. The value names the notice in the conversation's record of notices."""

    SLOW = "slow"
    OVER_LIMIT = "over_limit"
    APOLOGY = "apology"
    UNAVAILABLE = "unavailable"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    WORKING = "working"
    """A file takes long."""
    UNREAD = "unread"
    """A file could not be read in all the time that there is."""


_ENGLISH = "en"
_HINDI = "hi"
_HINGLISH = "hi-Latn"

_TEXTS: Mapping[Notice, Mapping[str, str]] = {
    Notice.SLOW: {
        _ENGLISH: "That was a lot at once. I am working through your messages one by one; none is lost.",
        _HINGLISH: "Ek saath bahut saare message aaye. Main ek-ek karke dekh raha hoon; kuch chhutega nahin.",
        _HINDI: "एक साथ बहुत सारे मैसेज आए। मैं एक-एक करके देख रहा हूँ; कुछ छूटेगा नहीं।",
    },
    Notice.OVER_LIMIT: {
        _ENGLISH: "You have reached today's limit of messages. Please write again tomorrow; "
        "what you send now is kept but not entered.",
        _HINGLISH: "Aaj ke message ki limit poori ho gayi. Kal phir likhiye; ab jo bhejenge "
        "wo rakha jayega par likha nahin jayega.",
        _HINDI: "आज के मैसेज की सीमा पूरी हो गई। कल फिर लिखिए; अब जो भेजेंगे वह रखा जाएगा पर दर्ज नहीं होगा।",
    },
    Notice.APOLOGY: {
        _ENGLISH: "Sorry, I could not work this message out. It is kept, and somebody will look at it.",
        _HINGLISH: "Maaf kijiye, yeh message main samajh nahin paaya. Ise rakh liya hai, koi dekh lega.",
        _HINDI: "माफ़ कीजिए, यह मैसेज मैं पूरा नहीं कर पाया। इसे रख लिया है, कोई देख लेगा।",
    },
    Notice.WORKING: {
        _ENGLISH: "Got it, working on it… ⏳",
        _HINGLISH: "Mil gaya, dekh raha hoon… ⏳",
        _HINDI: "मिल गया, देख रहा हूँ… ⏳",
    },
    Notice.UNREAD: {
        _ENGLISH: "Sorry, I could not open this file now. It is kept, and somebody will look at it. "
        "You can also type it.",
        _HINGLISH: "Maaf kijiye, yeh file abhi khul nahin rahi. Ise rakh liya hai, koi dekh lega. "
        "Chahein to likh kar bhej dijiye.",
        _HINDI: "माफ़ कीजिए, यह फ़ाइल अभी खुल नहीं रही। इसे रख लिया है, कोई देख लेगा। चाहें तो लिख कर भेज दीजिए।",
    },
    Notice.UNAVAILABLE: {
        _ENGLISH: "This service is not available yet. Your message is kept.",
        _HINGLISH: "Yeh seva abhi uplabdh nahin hai. Aapka message rakh liya gaya hai.",
        _HINDI: "यह सेवा अभी उपलब्ध नहीं है। आपका मैसेज रख लिया गया है।",
    },
    Notice.OPTED_OUT: {
        _ENGLISH: "All right, you will get no more messages from us. Write START to go on.",
        _HINGLISH: "Theek hai, ab aapko hamari taraf se koi message nahin aayega. "
        "Phir shuru karne ke liye START likhiye.",
        _HINDI: "ठीक है, अब आपको हमारी ओर से कोई मैसेज नहीं आएगा। फिर शुरू करने के लिए START लिखिए।",
    },
    Notice.OPTED_IN: {
        _ENGLISH: "Welcome back. I am listening again.",
        _HINGLISH: "Phir se swagat hai. Ab likhiye, main sun raha hoon.",
        _HINDI: "फिर से स्वागत है। अब लिखिए, मैं सुन रहा हूँ।",
    },
}


def text_of(notice: Notice, language: Language | None, default_tag: str) -> str:
    """The notice in the conversation's language; before its first turn in the tenant's (a BCP 47 tag)."""
    texts = _TEXTS[notice]
    return texts.get(_variant(language, default_tag), texts[_ENGLISH])


def _variant(language: Language | None, default_tag: str) -> str:
    if language is None:
        return default_tag.split("-", maxsplit=1)[0]
    if language.tag == _HINDI and language.script is Script.LATIN:
        return _HINGLISH
    return language.tag


def is_due(notices: Mapping[str, str], notice: Notice, now: datetime, every: timedelta) -> bool:
    """Whether the last notice of this kind (ISO times under their names) is long enough ago."""
    last = notices.get(notice)
    return last is None or now - datetime.fromisoformat(last) >= every
