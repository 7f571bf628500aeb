"""Closed lists of words, in three writings. Only words that mean one thing in a shop's chat stand here."""

import re
import unicodedata

from munshi.contracts.understanding import Category, Intent


def listed(words: str) -> frozenset[str]:
    """Words between blanks, as a set."""
    return frozenset(unicodedata.normalize("NFC", words).split())


def phrases(whole: str) -> frozenset[str]:
    """Whole messages between bars, as a set."""
    return frozenset(" ".join(one.split()) for one in unicodedata.normalize("NFC", whole).split("|"))


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(unicodedata.normalize("NFC", pattern))


YES = listed("""
    haan han haa ha hn hmm yes yess yep yeah ya y ok okay okey k thik theek sahi correct right bilkul ji
    jee jii haanji hanji sure done likho likhdo likhlo kardo confirm हाँ हां हा जी ठीक सही बिल्कुल लिखो
    ओके यस 👍 ✅ 👌
    """)
YES_MORE = listed("""
    hai h he ji jee bhai likh likho lo do kar karo it please note please pls है जी लिख लो दो कर करो भाई
    that thats is
    """)
NO = listed("""
    nahi nahin nhi nai nahee naa na no nope nah mat galat wrong नहीं नही ना मत गलत ग़लत नो 👎 ❌
    """)
NO_MORE = listed("""
    hai h ji jee bhai likho likhna karo that thats is it please है जी लिखो लिखना करो भाई re रे not dont
    """)
DROP = _whole(
    r"^(?:(?:nahi|nahin|no|ok|okay|नहीं|अच्छा|acha|achha|arre|are|अरे) )?"
    r"(?:(?:rehne|rahne|rehane|rahane|rhne|rene) (?:do|de|dijiye|dena)|(?:jaane|jane|jaan) (?:do|de|dijiye)|"
    r"chhod(?:o|do| do)?|"
    r"chod(?:o|do| do)?|chhodiye|cancel(?: (?:it|this|karo|kar do|that))?|"
    r"skip(?: it)?|leave it|forget it|never ?mind|"
    r"drop it|kuch nahi|kuch nhi|nothing|mat likho|na likho|dont note(?: it)?|"
    r"रहने (?:दो|दे|दीजिए)|जाने (?:दो|दे|दीजिए)|छोड़ो|छोड़ दो|छोड़ दीजिए|"
    r"कैंसल(?: करो| कर दो)?|कैंसिल(?: करो| कर दो)?|कुछ नहीं|मत लिखो)"
    r"(?: (?:bhai|ji|please|pls|yaar|abhi|भाई|जी|यार|अभी))*$"
)
NEW = _whole(
    r"\b(?:naya|nya|nayi|new|another|different|alag|doosra|dusra|koi aur)\b|नया|नयी|नई|अलग|दूसरा|कोई और"
)
PRONOUNS = listed("""
    uska uski uske usko use usse usne unka unki unke unko unse unhone iska iski iske isko isse isne inka
    inke inki inko his him her he she their them उसका उसकी उसके उसको उसे उससे उसने उनका उनकी उनके उनको
    उनसे उन्होंने इसका इसकी इसके इसको इससे इसने इनका इनके इनकी इनको
    """)
PAST = listed("""
    tha thi the था थी थे was
    """)
THANKS = _whole(
    r"^(?:bahut |bohot |thank you |ok |okay )?"
    r"(?:thanks|thank you|thanku|thankyou|thx|dhanyavaad|dhanyawad|dhanyavad|shukriya|"
    r"धन्यवाद|शुक्रिया|थैंक्यू|थैंक यू|🙏)(?: (?:ji|bhai|so much|a lot|जी|भाई))*$"
)
PARTICLES = listed("""
    ko ka ke ki se ne naam name to for from the a wala wale wali hai h likho likh do lo dena par pe per
    account khata khate khaate mein me ji bhai aur and it was its is को का के की से ने नाम वाला वाले
    वाली है लिखो लिख दो लो पर पे खाते में जी भाई और
    """)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
CATEGORY_WORDS: dict[Category, frozenset[str]] = {
    Category.SALE: listed("""
    sale sales sold bikri bikree becha beche bechi nakad naqad cash बिक्री बेचा बेचे बेची नकद सेल
    """),
    Category.BUY: listed("""
    buy bought purchase purchased kharid khareed kharida khareeda kharide kharidi ख़रीद खरीद खरीदा
    ख़रीदा खरीदे ख़रीदे खरीदी ख़रीदी
    """),
    Category.CREDIT: listed("""
    credit udhaar udhar udhaari udhari udar udaar khate khaate baaki baki उधार उधारी खाते बाकी बाक़ी
    """),
    Category.PAYMENT: listed("""
    payment paid jama wapas vapas vasooli wasooli mile mila chukaya chukaye chuka received जमा वापस
    वसूली मिले मिला चुकाया चुकाए चुका
    """),
    Category.EXPENSE: listed("""
    expense expenses kharcha kharch karcha khrcha खर्च ख़र्च खर्चा ख़र्चा
    """),
}
COMMANDS: dict[Intent, frozenset[str]] = {
    Intent.UNDO: phrases("""
        undo | undo it | undo karo | undo kar do | undo please | please undo | undo last | undo last entry |
        wapas lo | wapas le lo | vapas lo | vapas le lo | take it back | take back | hata do | hatao |
        mita do | mitao | delete | delete it | delete last | delete last entry | remove it |
        last entry hata do | last entry delete karo |
        वापस लो | वापस ले लो | हटा दो | हटाओ | मिटा दो | मिटाओ | अंडू | अनडू | undo करो
    """),
    Intent.HELP: phrases("""
        help | help me | madad | madad karo | madad chahiye | sahayata | menu | kaise | kaise likhun |
        kaise likhna hai | how to | how does this work | मदद | मदद करो | मदद चाहिए | सहायता | कैसे
    """),
}  # fmt: skip
SWAP = re.compile(  # names keep their case, so the pattern ignores it
    r"^(?:(?:nahi|nahin|nhi|no|arre|are|sorry|नहीं|नही|अरे) )?(?P<one>\S+(?: \S+){0,2}) "
    r"(?:ki jagah|ke jagah|ke badle|instead of|nahi|nahin|nhi|not|नहीं|नही|की जगह|के बदले) "
    r"(?P<other>\S+(?: \S+){0,2})$",
    re.IGNORECASE,
)
BALANCE_WORDS = listed("""
    balance baaki baki bakaya kitna kitne hisaab hisab khata khaata owe owes due बाकी बाक़ी बकाया कितना
    कितने हिसाब खाता बैलेंस
    """)
VOICE = listed("""
    voice bolkar bolke bol awaaz awaz aawaz avaaz audio speak spoken likhkar likhke likh text written
    बोलकर बोलके बोल आवाज़ आवाज वॉइस वॉयस ऑडियो लिखकर लिखके लिख टेक्स्ट
    """)
"""Without one of these a message is no wish for spoken or written replies."""
_TELL = (
    r"(?:batao|bataiye|bata do|bataye|bata|bolo|jawab do|jawaab do|jawab dena|jawab dijiye|sunao|reply karo|"
    r"reply do|reply|answer|बताओ|बताइए|बता दो|बताएं|बोलो|जवाब दो|जवाब देना|जवाब दीजिए|सुनाओ)"
)
SPEAK = _whole(
    rf"\b(?:bol ?kar|bol ?ke)(?: ke)? {_TELL}|"
    rf"\b(?:awaaz|awaz|aawaz|avaaz|voice|audio)(?: note| message)? (?:me|mein|men|se) {_TELL}|"
    r"\bvoice(?: reply| replies| notes?| message| jawab)? (?:on|chalu|shuru|bhejo|chahiye|start)"
    r"(?: karo| kar do)?\b|"
    r"\b(?:reply|answer|speak|tell me)(?: to me| me)? (?:by|in|with|via) (?:a )?(?:voice|audio)"
    r"(?: notes?)?\b|"
    r"\bspeak (?:to me|the replies|your replies)\b|"
    rf"(?:बोल ?कर|बोल ?के) {_TELL}|(?:आवाज़|आवाज|वॉइस|वॉयस|ऑडियो) (?:में|मे|से) {_TELL}|"
    r"(?:वॉइस|वॉयस)(?: रिप्लाई| जवाब)? (?:चालू|शुरू|ऑन)(?: करो| कर दो)?"
)
WRITE = _whole(
    rf"\b(?:likh ?kar|likh ?ke) {_TELL}|\b(?:text|likhit) (?:me|mein|men) {_TELL}|"
    r"\b(?:voice|awaaz|awaz|audio)(?: reply| replies| notes?| message)? (?:off|band|mat|nahi|stop)"
    r"(?: karo| kar do| bhejo| chahiye)?\b|"
    r"\b(?:no|stop)(?: more)? (?:voice|audio)(?: reply| replies| notes?| messages?)?\b|"
    r"\b(?:reply|answer) (?:by|in|with|via) text\b|"
    rf"(?:लिख ?कर|लिख ?के) {_TELL}|(?:आवाज़|आवाज|वॉइस|वॉयस)(?: रिप्लाई)? (?:बंद|मत|नहीं)(?: करो| कर दो| चाहिए)?"
)
WISHING = listed("""
    please pls ji ab ab se mujhe aap bhai me to karo kar do now from on hai can you जी अब से मुझे आप भाई करो
    """)
"""What may stand beside such a wish without being a question of its own."""
YESTERDAY = re.compile(r"\b(?:yesterday|day before|kal|parso|parson|gaya kal|beeta kal)\b|कल|परसों")
TODAY = re.compile(r"\b(?:today|aaj)\b|आज")

NEUTRAL = listed("""
    undo ok okay okey k cancel delete skip hi hii hello hey help menu total balance yes no thanks
    thank you
    """)
"""Words that people of every language type: they do not change the language of the talk."""
OF_SEVERAL = listed("""
    khate khaate baaki baki cash nakad naqad mile mila wapas vapas paid received
    खाते बाकी बाक़ी नकद मिले मिला वापस
    """)
"""Category words that in a question about totals may mean more than one category ("kitne paise mile")."""

GIVING = listed("""
    diya diye di de dedo gaya gayi gaye liya li liye likho likh likhna kiya kiye gave give
    took taken given sold paid
    दिया दिए दी दे गया गई गए लिया ली लिए लिखो लिख लिखना किया किए
    """)
QUESTIONS = listed("""
    what who how why when where which kya kyu kyun kyon kaise kaun kab kahan kitna kitne kitni kiska kiske
    kiski क्या क्यों कैसे कौन कब कहाँ कहां कितना कितने कितनी किसका किसके किसकी
    """)
SPOKEN_OF = {
    "ne": listed("usne unhone isne inhone उसने उन्होंने इसने इन्होंने"),
    "ko": listed("usko unko isko inko use उसको उनको इसको इनको उसे उन्हें"),
    "ka": listed("uska unka iska inka उसका उनका इसका इनका"),
    "ki": listed("uski unki iski inki उसकी उनकी इसकी इनकी"),
    "ke": listed("uske unke iske inke उसके उनके इसके इनके"),
    "se": listed("usse unse isse inse उससे उनसे इससे इनसे"),
    "": listed("he she they him her them"),
    "'s": listed("his their"),
}
"""Pronouns by what stands in their place after a name: "usne" is "Ramesh ne"."""
SPOKEN_OF_DEVANAGARI = {"ne": "ने", "ko": "को", "ka": "का", "ki": "की", "ke": "के", "se": "से"}
