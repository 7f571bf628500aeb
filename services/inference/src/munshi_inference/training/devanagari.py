"""Romanised Hindi into Devanagari, for training sentences: the phrase files are written once, in Latin letters.

Exact spelling does not matter much: the models see words by key, and the key of what is written here is the key of
the word it came from.
"""

import re

_LOANS = dict(
    pair.split("=")
    for pair in (
        "balance=बैलेंस total=टोटल sale=सेल sales=सेल payment=पेमेंट cash=कैश entry=एंट्री bill=बिल account=अकाउंट online=ऑनलाइन "
        "photo=फोटो receipt=रसीद report=रिपोर्ट phonepe=फोनपे gpay=जीपे paytm=पेटीएम upi=यूपीआई credit=क्रेडिट debit=डेबिट "
        "cancel=कैंसिल delete=डिलीट undo=अनडू please=प्लीज़ ok=ओके yes=यस no=नो hello=हेलो hi=हाय hey=हे help=हेल्प app=ऐप "
        "hai=है hain=हैं he=है h=है mein=में me=में main=मैं maine=मैंने nahi=नहीं nahin=नहीं aur=और ka=का ki=की ke=के ko=को ne=ने "
        "se=से pe=पे par=पर udhaar=उधार udhar=उधार udhari=उधारी baki=बाकी baaki=बाकी bakaya=बकाया khata=खाता khate=खाते "
        "jama=जमा naam=नाम diya=दिया diye=दिए di=दी dia=दिया liya=लिया liye=लिए li=ली gaya=गया gaye=गए gayi=गई gyi=गई gya=गया "
        "gye=गए kiya=किया kiye=किए ki_=की aaya=आया aaye=आए aayi=आई aya=आया maal=माल saman=सामान samaan=सामान saamaan=सामान "
        "paise=पैसे paisa=पैसा rupaye=रुपये rupay=रुपए rs=रु nagad=नकद nakad=नकद bikri=बिक्री becha=बेचा beche=बेचे bechi=बेची "
        "kharida=खरीदा kharidi=खरीदी kharide=खरीदे kharid=खरीद kharcha=खर्चा kharch=खर्च kitna=कितना kitni=कितनी kitne=कितने "
        "kya=क्या kab=कब kaun=कौन kis=किस kisne=किसने kisse=किससे kiska=किसका sabse=सबसे zyada=ज्यादा jyada=ज्यादा aaj=आज kal=कल "
        "likho=लिखो likh=लिख lo=लो do=दो dena=देना lena=लेना batao=बताओ bata=बता btao=बताओ hisab=हिसाब hisaab=हिसाब wala=वाला "
        "wale=वाले wali=वाली bhai=भाई ji=जी didi=दीदी aunty=आंटी uncle=अंकल tha=था the=थे thi=थी hua=हुआ hui=हुई hue=हुए "
        "galat=गलत galti=गलती hatao=हटाओ hata=हटा mita=मिटा haan=हाँ ha=हाँ han=हाँ ye=ये yeh=यह vo=वो wo=वो woh=वह karo=करो kar=कर "
        "petrol=पेट्रोल diesel=डीज़ल rent=रेंट salary=सैलरी recharge=रिचार्ज mobile=मोबाइल chai=चाय bijli=बिजली kiraya=किराया "
        "dukan=दुकान dukaan=दुकान ghar=घर tempo=टेंपो auto=ऑटो stock=स्टॉक order=ऑर्डर business=बिज़नेस customer=कस्टमर party=पार्टी "
        "wapas=वापस vapas=वापस chukaya=चुकाया chuka=चुका lautaya=लौटाया lauta=लौटा mila=मिला mile=मिले mili=मिली"
    ).split()
    for pair in [pair]
)
_LOANS.pop("ki_", None)
_CONSONANTS = (
    ("chh", "छ"), ("ksh", "क्ष"), ("kh", "ख"), ("gh", "घ"), ("ch", "च"), ("jh", "झ"), ("th", "थ"), ("dh", "ध"),
    ("ph", "फ"), ("bh", "भ"), ("sh", "श"), ("gy", "ग्य"), ("k", "क"), ("g", "ग"), ("c", "क"), ("j", "ज"), ("z", "ज़"),
    ("t", "त"), ("d", "द"), ("n", "न"), ("p", "प"), ("f", "फ"), ("b", "ब"), ("m", "म"), ("y", "य"), ("r", "र"),
    ("l", "ल"), ("v", "व"), ("w", "व"), ("s", "स"), ("h", "ह"), ("q", "क"), ("x", "क्स"),
)  # fmt: skip
_VOWELS = (
    ("aa", "आ", "ा"), ("ai", "ऐ", "ै"), ("au", "औ", "ौ"), ("ee", "ई", "ी"), ("oo", "ऊ", "ू"), ("ii", "ई", "ी"),
    ("uu", "ऊ", "ू"), ("a", "अ", ""), ("i", "इ", "ि"), ("u", "उ", "ु"), ("e", "ए", "े"), ("o", "ओ", "ो"),
)  # fmt: skip
_WORD = re.compile(r"[a-z]+")


def word_to_devanagari(word: str) -> str:
    """One lower-case romanised word."""
    if word in _LOANS:
        return _LOANS[word]
    out: list[str] = []
    after_consonant = False
    i = 0
    while i < len(word):
        vowel = next((v for v in _VOWELS if word.startswith(v[0], i)), None)
        if vowel:
            i += len(vowel[0])
            final = i == len(word)
            sign = vowel[2]
            if final and vowel[0] in {"a", "i", "u"} and len(word) > 2:
                sign = {"a": "ा", "i": "ी", "u": "ू"}[vowel[0]]
            out.append(sign if after_consonant else vowel[1])
            after_consonant = False
            continue
        consonant = next((c for c in _CONSONANTS if word.startswith(c[0], i)), None)
        if consonant is None:
            out.append(word[i])
            i += 1
            after_consonant = False
            continue
        if after_consonant:
            out.append("्")
        out.append(consonant[1])
        i += len(consonant[0])
        after_consonant = True
    return "".join(out)


def to_devanagari(text: str) -> str:
    """Every Latin word of a text; digits and marks stay."""
    return _WORD.sub(lambda m: word_to_devanagari(m.group()), text.lower())
