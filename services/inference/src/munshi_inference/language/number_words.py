"""Number words of Hindi (both scripts) and English, with the spellings people use."""

import re
from decimal import Decimal
from functools import lru_cache

from munshi_inference.language.lexicon import listed
from munshi_inference.language.romanise import romanise

HINDI_SOURCE = """
0 शून्य shunya sifar zero
1 एक ek ik aek
2 दो do doh
3 तीन teen tin
4 चार char chaar
5 पाँच पांच पाच paanch panch pach paach pnch
6 छह छः छ छै छे chhah chhe che chah chha chheh cheh
7 सात saat sat
8 आठ aath ath
9 नौ nau
10 दस das dus
11 ग्यारह gyarah gyara giyarah igyarah gyaara
12 बारह barah bara baarah
13 तेरह terah tera
14 चौदह chaudah chauda chodah
15 पंद्रह पन्द्रह pandrah pandra pandhra pandhrah
16 सोलह solah sola
17 सत्रह satrah satra sattrah
18 अठारह अट्ठारह atharah athara attharah atthara
19 उन्नीस unnis unees unis
20 बीस bees bis
21 इक्कीस ikkis ikkees ekkis
22 बाईस बाइस bais baais
23 तेईस तेइस teis teees
24 चौबीस chaubis chobis chaubees
25 पच्चीस पचीस pachis pacchis pachees pachchis
26 छब्बीस chabbis chhabbis
27 सत्ताईस सत्ताइस sattais satais
28 अट्ठाईस अठ्ठाईस अट्ठाइस अठाईस atthais athais atthaees
29 उनतीस उन्तीस untis unatis untees
30 तीस tees tis
31 इकतीस इकत्तीस ikattis iktis ikatis
32 बत्तीस battis batis
33 तैंतीस तेंतीस taintis tetis taitis
34 चौंतीस चौतीस chauntis chautis
35 पैंतीस paintis paitis pentis
36 छत्तीस chhattis chattis
37 सैंतीस saintis saitis sentis
38 अड़तीस adtis artis adatis
39 उनतालीस उन्तालीस untalis unatalis
40 चालीस chalis chaalis chalees
41 इकतालीस iktalis ikatalis
42 बयालीस ब्यालीस bayalis byalis biyalis
43 तैंतालीस तिरालीस taintalis tetalis
44 चौवालीस चवालीस चौंतालीस चौआलीस chauntalis chauvalis chavalis chaualis
45 पैंतालीस paintalis paitalis pentalis
46 छियालीस chhiyalis chiyalis
47 सैंतालीस saintalis saitalis
48 अड़तालीस adtalis artalis
49 उनचास उन्चास unchas unanchas
50 पचास pachas pachaas
51 इक्यावन ikyavan ikyawan ikavan
52 बावन bavan bawan
53 तिरपन तिरेपन tirpan tirepan
54 चौवन चौअन chauvan chauwan
55 पचपन pachpan pachapan
56 छप्पन chhappan chappan
57 सत्तावन sattavan satavan
58 अट्ठावन अठावन atthavan athavan
59 उनसठ unsath
60 साठ saath sath
61 इकसठ iksath
62 बासठ basath
63 तिरसठ तिरेसठ tirsath
64 चौंसठ चौसठ chaunsath chausath
65 पैंसठ painsath paisath
66 छियासठ छयासठ chhayasath chiyasath chhiyasath
67 सड़सठ sadsath sarsath
68 अड़सठ adsath arsath
69 उनहत्तर unhattar
70 सत्तर sattar satar
71 इकहत्तर ikhattar
72 बहत्तर bahattar
73 तिहत्तर tihattar
74 चौहत्तर chauhattar
75 पचहत्तर पिचहत्तर pachhattar pichhattar pachahattar
76 छिहत्तर chhihattar
77 सतहत्तर satattar satahattar
78 अठहत्तर athattar athahattar
79 उनासी उन्यासी unasi unnasi
80 अस्सी assi
81 इक्यासी ikyasi
82 बयासी bayasi byasi
83 तिरासी tirasi
84 चौरासी chaurasi
85 पचासी pachasi
86 छियासी chhiyasi chiyasi
87 सत्तासी sattasi satasi
88 अट्ठासी अठासी atthasi athasi
89 नवासी navasi nawasi
90 नब्बे नव्वे nabbe navve nabe
91 इक्यानवे इक्यानबे ikyanve ikyanbe
92 बानवे बानबे banve bayanve banbe
93 तिरानवे तिरानबे tiranve
94 चौरानवे चौरानबे chauranve
95 पचानवे पचानबे पंचानवे pachanve panchanve
96 छियानवे छियानबे chhiyanve chiyanve
97 सत्तानवे सत्तानबे sattanve
98 अट्ठानवे अट्ठानबे अठानवे atthanve athanve
99 निन्यानवे निन्यानबे ninyanve ninanve
"""

ENGLISH_ONES_SOURCE = """
1 one
2 two
3 three
4 four
5 five
6 six
7 seven
8 eight
9 nine
10 ten
11 eleven
12 twelve
13 thirteen
14 fourteen
15 fifteen
16 sixteen
17 seventeen
18 eighteen
19 nineteen
"""

ENGLISH_TENS_SOURCE = """
20 twenty
30 thirty
40 forty fourty
50 fifty
60 sixty
70 seventy
80 eighty
90 ninety ninty
"""

_MULTIPLIERS = """
100 सौ सो sau so hundred hundread hundrad hundreds sou
1000 हज़ार हजार हज़ारों hazaar hazar hajar hajaar hjar hjr hzar hazr thousand thousands thousnd thousad k hazzar
100000 लाख lakh lac lacs lakhs laakh lkh
10000000 करोड़ करोड crore crores karod karor cr
"""

_FRACTIONS = """
1.5 डेढ़ डेढ dedh ded derh dedhh
2.5 ढाई ढाइ अढ़ाई dhai dhaai adhai dhaee
0.5 आधा आधे half aadha aadhe adha
"""

_QUARTERS = """
+0.25 सवा sawa sava savaa
+0.5 साढ़े साढे सड़े sadhe saadhe sade saade sadhey
-0.25 पौने paune pone poune paunay पौन
"""

_CURRENCY = """
INR rs re inr rupee rupees rupaye rupay rupya rupiya rupaya rupaiye rupaiya rupye rupai rupe rups rupiye rupia
INR rupyee rupyo rupayo rupe rupeya rupess ruppes rupes रुपये रुपए रूपये रूपए रुपया रूपया रुपयों रुपयो रु रू रुपे
"""

AMBIGUOUS = frozenset(
    listed(
        """
        do doh tera sola bara so sou tin char sat ath aat che chah chha cheh half aadha adha aadhe one ik
        k cr tis bis दो सो आधा आधे
        """
    )
)
"""Words that are numbers only beside a number, a multiplier or a currency: "likh do", "so", "tera"."""


def _plain(word: str) -> str:
    """A spelling key finer than `romanise.key`: "saat" (7) and "saath" (60) stay apart."""
    text = romanise(word)
    for long, short in (("aa", "a"), ("ee", "i"), ("oo", "u"), ("z", "j"), ("w", "v"), ("chh", "ch")):
        text = text.replace(long, short)
    return re.sub(r"([b-df-hj-np-tv-z])\1+", r"\1", text)


def _table(source: str) -> dict[str, Decimal]:
    table: dict[str, Decimal] = {}
    for line in source.split("\n"):
        if not line:
            continue
        value, *words = line.split()
        for word in words:
            table.setdefault(word, Decimal(value))
            table.setdefault(_plain(word), Decimal(value))
    return table


ONES = {**_table(HINDI_SOURCE), **_table(ENGLISH_ONES_SOURCE), **_table(ENGLISH_TENS_SOURCE)}
"""0-99 by spelling and by `_plain` spelling."""
MULTIPLIERS = _table(_MULTIPLIERS)
FRACTIONS = _table(_FRACTIONS)
QUARTERS = _table(_QUARTERS)
CURRENCIES = {word: line.split()[0] for line in _CURRENCY.split("\n") if line for word in line.split()[1:]}
ENGLISH_SMALL = frozenset(_table(ENGLISH_ONES_SOURCE))
"""English words for 1-19."""
TENS = frozenset(_table(ENGLISH_TENS_SOURCE))

_ORDINARY = frozenset(
    listed(
        """
        hisaab hisab hazir pacha pachi sabhi chalo chali chala hundi bahar tension sister sharma
        satara hajari chhota chota paints points pants patra mitra basta sasta sattu batti patti chai
        chavan panda दास daas chaal saal sala salt mal maal matar pata
        """
    )
)
"""Words of other meaning, one letter away from a number."""


def _typos() -> dict[str, str]:
    """Spellings with one letter missing, doubled or swapped, where that names one number word only."""
    found: dict[str, set[str]] = {}
    for table in (ONES, MULTIPLIERS):
        for word in table:
            if len(word) < 6 or not word.isascii():
                continue
            for i in range(1, len(word) - 1):
                found.setdefault(word[:i] + word[i + 1 :], set()).add(word)
                if i + 2 < len(word):
                    found.setdefault(word[:i] + word[i + 1] + word[i] + word[i + 2 :], set()).add(word)
    merged = ONES | MULTIPLIERS
    return {
        typo: min(words)
        for typo, words in found.items()
        if len({merged[w] for w in words}) == 1 and typo not in merged and typo not in _ORDINARY
    }


_TYPOS = _typos()


@lru_cache(maxsize=8192)
def look_up(word: str) -> tuple[str, Decimal] | None:
    """What number word a folded word is: (`ones`, `multiplier`, `fraction` or `quarter`, value), or None."""
    if word in _ORDINARY:
        return None
    plain = _plain(word)
    typos = (_TYPOS.get(word), _TYPOS.get(plain)) if word.isascii() else ()
    for spelling in (word, plain, *typos):
        if spelling is None:
            continue
        for kind, table in (
            ("multiplier", MULTIPLIERS),
            ("ones", ONES),
            ("fraction", FRACTIONS),
            ("quarter", QUARTERS),
        ):
            if spelling in table:
                return kind, table[spelling]
    return None


@lru_cache(maxsize=8192)
def is_tens(word: str) -> bool:
    """Whether an English tens word: "twenty" takes a one after it, Hindi numbers never do."""
    plain = _plain(word)
    return plain in TENS or _TYPOS.get(plain, "") in TENS
