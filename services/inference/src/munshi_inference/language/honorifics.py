"""Words of respect around a name, which are no part of it: bhai, ji, aunty, saab, garu, Mrs."""

import re

from munshi_inference.language.lexicon import listed
from munshi_inference.language.romanise import key

_AFTER = """
ji jee bhai bhaai bhaiya bhaiyya bhaisahab bhaijaan bhayya didi di bhabhi bhabi aunty auntie aunti anti
uncle ankal chacha chachi kaka kaki mama mami tau tai taya dada dadi nana nani amma akka anna annan garu
gaaru chettan chetan chechi da dada boudi saab sahab saheb sahib sab sir madam mam ma'am maam babu seth sethji
baba mausi bua beta miyan janab paaji paji veerji ben behen bahan bhau tai bhaisaab aapa apa baji appa
chachu kaku dadu swami guruji bapu mahashay जी भाई भैया भइया दीदी भाभी आंटी आँटी अंकल चाचा चाची काका काकी
मामा मामी ताऊ ताई दादा दादी नाना नानी अम्मा अक्का अन्ना गारू चेट्टन चेची दा बाबू सेठ बाबा मौसी बुआ बेटा
मियां मियाँ जनाब पाजी साहब साहिब साब सर मैडम बेन बहन भाऊ बापू आपा बाजी महाशय
"""
_BEFORE = """
mr mrs ms miss dr shri shree sri shrimati smt kumari sardar haji md mister श्री श्रीमती डॉ डॉक्टर मिस्टर
मिसेज सरदार हाजी
"""
_KEPT_BEFORE = frozenset({"shree", "shri", "sri", "md", "haji", "sardar", "श्री", "dr", "डॉ", "सरदार"})
"""Titles that also begin a shop's name ("Shree Ram Trading"), and then belong to it."""

AFTER = frozenset(listed(_AFTER))
BEFORE = frozenset(listed(_BEFORE))
ROLE_KEYS = frozenset({"vala", "vale", "vali"})
"""Keys of wala, wale, wali in any spelling."""
_POSSESSIVES = frozenset({"ka", "ki", "ke", "का", "की", "के"})
"""Before a word of respect they make it a relative, by whom somebody is called: "Golu ke mama"."""
_SHOP = re.compile(
    r"\b(?:traders?|trading|stores?|medicals?|sweets|hardware|agency|agencies|enterprises?|sales|bhandar|textiles?"
    r"|kirana|dairy|electricals?|electronics|brothers|bros|sons|suppliers?|distributors?|company|co|hotel|transport"
    r"|ट्रेडिंग|ट्रेडर्स|स्टोर|भंडार)\b"
)


def _calls(word: str) -> bool:
    """Whether a word of respect after this one names somebody: "kone wali didi", "Golu ke mama"."""
    return word in _POSSESSIVES or key(word) in ROLE_KEYS


def strip_honorifics(name: str) -> str:
    """The name without words of respect; one stays where nothing else is left or a role stands before it."""
    words = name.split()
    folded = [w.lower().strip(".,") for w in words]
    shop = _SHOP.search(name.lower()) is not None
    while len(words) > 1 and folded[0] in BEFORE and not (shop and folded[0] in _KEPT_BEFORE):
        words, folded = words[1:], folded[1:]
    while len(words) > 1 and folded[-1] in AFTER and not shop and not _calls(folded[-2]):
        words, folded = words[:-1], folded[:-1]
    return " ".join(words)
