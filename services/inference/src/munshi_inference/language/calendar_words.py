"""The words of days and periods, in Hindi (both scripts) and English, with the spellings people use."""

from munshi_inference.language.lexicon import listed

_BY_CLASS = """
TODAY today todays aaj aj aaaj aajka आज tdy 2day
KAL kal kl kall कल
PARSO parso parson parsu parsoon परसों परसो
NARSO narso narson tarso tarson नरसों तरसों
YESTERDAY yesterday yesterdays yest yesterdy yestrday ystrday yday
TOMORROW tomorrow tomorrows tmrw tmrow tommorow tomorow tmr
THIS this is iss current chalu चालू इस इसी isi running chaalu
LAST last past previous pichhle pichle pichla pichhla pichli pichhli pichley picle pichhley pechle
LAST pechhle gaye gae gaya gat beete bite guzre पिछले पिछला पिछली गत गए बीते prev
NEXT next agle agla agli अगले अगला अगली coming aane
ALL poore pure poora pura puri poori whole entire sare saare पूरे पूरा पूरी सारे full
WEEK week weeks hafte hafta hafton hafty haft hapte hapta hafto saptah हफ्ते हफ़्ते हफ्ता हफ़्ता हफ्तों
WEEK सप्ताह week's wk
MONTH month months mahine mahina mahino mahinon maheene mahene mahena maheena mah maah mnth महीने महीना
MONTH महीनों माह month's mahinay
YEAR year years saal sal varsh साल वर्ष year's
QUARTER quarter timahi तिमाही
DAYS din dino dinon day days दिन दिनों dion
AGO pehle pahle phle pahele pehele pahley pehley ago back पहले पहिले purani
TARIKH tarikh tareekh tarik tareek tareeq tarekh taareekh tarikhko date dates तारीख तारीख़ dinank दिनांक
TO se to till tak until upto सेे से thru through
UNTIL tak till until upto तक tk
NOW ab abhi अब अभी now
OF ka ki ke का की के kaa kii
WHOLE bhar भर
WEEKLY weekly saptahik
MONTHLY monthly masik
YEARLY yearly annual salana
"""


def _by_word(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in source.strip().split("\n"):
        name, *listed_words = line.split()
        for word in listed_words:
            found.setdefault(word, name)
    return found


CLASSES = _by_word(_BY_CLASS)
"""What a word does in a phrase of time, of those that do something."""
DAYS_AWAY = {"KAL": 1, "PARSO": 2, "NARSO": 3}
"""Days that lie on either side of today."""
DAYS_FIXED = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
DAYS_OF = {"DAYS": 1, "WEEK": 7, "MONTH": 30}
"""Days of a unit that can be counted back."""


def _enumerate(source: str, first: int) -> dict[str, int]:
    return {word: n for n, line in enumerate(source.strip().split("\n"), first) for word in line.split()}


WEEKDAYS = _enumerate(
    """
somvar somwar somvaar somwaar monday mon mondays सोमवार somvaar's monday's
mangalvar mangalwar mangalvaar mangalwaar mangal tuesday tue tues मंगलवार मंगल
budhvar budhwar budhvaar budhwaar budh wednesday wed wednesdays wensday बुधवार बुध
guruvar guruwar guruvaar guruwaar brihaspativar veervar jumerat thursday thu thurs गुरुवार गुरूवार जुमेरात
shukravar shukrawar shukravaar shukrwar shukrawaar shukarvar jumma jumme friday fri शुक्रवार जुम्मा जुम्मे
shanivar shaniwar shanivaar shaniwaar sanichar shanichar saturday saturdays शनिवार शनिचर
ravivar raviwar ravivaar raviwaar itvar itwar itvaar itwaar sunday sundays रविवार इतवार
""",
    0,
)
"""Monday is 0."""

MONTHS = _enumerate(
    """
january jan janvari janwari january's जनवरी
february feb farvari farwari febuary फरवरी फ़रवरी
march mar मार्च
april apr aprail अप्रैल
may mai मई
june jun जून
july jul julai जुलाई
august aug agast अगस्त
september sept sep sitambar सितंबर सितम्बर
october oct aktubar october's अक्टूबर अक्तूबर
november nov navambar november's नवंबर नवम्बर
december dec disambar दिसंबर दिसम्बर
""",
    1,
)
DOUBTFUL_MONTHS = frozenset({"may", "mai", "mar"})
"""Month words that are also other words: they need an ordinal day beside them."""

ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th", "वीं", "वी"})
ORDINALS = {
    word: n
    for n, word in enumerate(
        listed("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"), 1
    )
} | {"pehli": 1, "pahli": 1, "पहली": 1, "doosri": 2, "dusri": 2, "दूसरी": 2}

FORTNIGHTS = frozenset({"fortnight", "pakhwade", "pakhwada"})

FUTURE_WORDS = frozenset(
    listed(
        """
        will tomorrow tak तक dena lena dene lene देना लेना karna करना bhejna भेजना aana आना lana laana लाना milna
        hoga hogi होगा होगी paunga agle next ayega aega aayega dega degi denge lega lenge देगा देगी देंगे लेगा
        लेंगे आएगा आयेगा
        """
    )
)
FUTURE_ENDINGS = ("ega", "egi", "enge", "unga", "ungi", "oge", "ogi", "iega", "iegi")
NOT_FUTURE = frozenset({"lege"})
