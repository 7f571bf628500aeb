"""How people spell: variants of common words, long and short vowels, dropped and swapped letters."""

import random

_VARIANTS = {
    word: line.split("=")[1].split("/")
    for line in (
        "hai=h/he/hai/hain/hei nahi=nhi/nahin/nai/nahee/nhii/nahi mein=me/mai/main/m/mein maine=mene/maine/main ne/mainne "
        "ko=ko/koo/ku/k ke=k/ke/kay ka=ka/kaa ki=ki/kii ne=ne/nay/n se=se/say/s kitna=kitna/ktna/kitnaa/kitana/kitne "
        "kitni=kitni/ktni/kitnee kitne=kitne/ktne udhaar=udhar/udhaar/udar/udhr/udhaar/udhari baaki=baki/baaki/baqi/bki/baki "
        "diya=dia/diya/diyaa/dya/de diya diye=diye/die/diya/dye liya=lia/liya/le liya/lya liye=liye/lie gaya=gya/gaya/gaiya "
        "gaye=gye/gaye gayi=gyi/gayi/gai karo=kro/karo/krdo/kar do kar=kr/kar karna=krna/karna do=do/doo batao=btao/batao/bataao/btaao/bta "
        "bata=bta/bata bataiye=btaiye/bataiye/bataye bhai=bhai/bhaai/bai aaj=aaj/aj/aaaj kal=kal/kl/kall likho=likho/likhoo/lkho/likh lo "
        "likh=likh/lkh paise=paise/pese/paisey/paisa/pais paisa=paisa/pesa rupaye=rupaye/rs/rupay/rupees/rupye/rupe wapas=wapas/vapas/wapis/vapis/wapsi "
        "hisaab=hisab/hisaab/hisb khata=khata/khaata/kata khate=khate/khaate jama=jama/jma/jamaa bikri=bikri/bikree/bikari/vikri "
        "kharcha=kharcha/khrcha/karcha/kharch/kharcha zyada=zyada/jyada/jada/zada/ziada sabse=sabse/sbse kya=kya/kia/ky/kyaa "
        "tha=tha/thaa the=the/thay thi=thi/thee hua=hua/huaa/huwa hui=hui/huyi/huee saamaan=saman/samaan/saaman/samaan maal=maal/mal "
        "dukaan=dukan/dukaan/dukaaan kharida=kharida/khareeda/krida/kharidaa becha=becha/bcha payment=payment/pement/paymnt/pymnt "
        "please=please/plz/pls/plss account=account/acount/a/c/acc received=received/recieved/rcvd/recvd yesterday=yesterday/yesterdy "
        "haan=haan/han/ha/haa/haanji wala=wala/vala/wla chahiye=chahiye/chaiye/chahie abhi=abhi/abi galti=galti/glti galat=galat/glt "
        "from=from/frm what=what/wat how=how/hw the=the/d you=you/u your=your/ur today=today/2day much=much/mch nagad=nagad/nakad/nagd/nkd "
        "mahine=mahine/maheene/mahene/mahine hafte=hafte/hafta/hapte/haphte tarikh=tarikh/tareekh/tarik/tareek pichhle=pichle/pichhle/pichley "
        "total=total/totl/totel kiya=kiya/kia/kya kiye=kiye/kie aaya=aaya/aya/aaya aaye=aaye/aye liye=liye/lie mila=mila/milaa "
        "hoon=hu/hoon/hun/hoo raha=rha/raha rahi=rhi/rahi rahe=rhe/rahe wo=wo/vo/woh ye=ye/yeh/yah"
    ).split(" ")
    for word in [line.split("=")[0]]
    if "=" in line
}
_SOUNDS = (
    ("aa", "a"), ("ee", "i"), ("oo", "u"), ("i", "ee"), ("u", "oo"), ("sh", "s"), ("w", "v"), ("v", "w"), ("z", "j"),
    ("kh", "k"), ("dh", "d"), ("th", "t"), ("bh", "b"), ("ai", "e"), ("a", "aa"), ("ph", "f"), ("chh", "ch"),
)  # fmt: skip
_MATRAS = (("ी", "ि"), ("ि", "ी"), ("ू", "ु"), ("ु", "ू"), ("ँ", "ं"), ("़", ""), ("ं", ""), ("ये", "ए"), ("ये", "ऐ"), ("श", "स"))


def _variant(word: str, writing: str, rng: random.Random) -> str:
    if writing == "deva":
        old, new = rng.choice(_MATRAS)
        return word.replace(old, new, 1)
    if word in _VARIANTS and rng.random() < 0.8:
        return rng.choice(_VARIANTS[word])
    if writing == "en":
        return word
    old, new = rng.choice(_SOUNDS)
    return word.replace(old, new, 1)


def _typo(word: str, rng: random.Random) -> str:
    """One slip of the thumb."""
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.35:
        return word[:i] + word[i + 1 :]
    if kind < 0.6:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.8:
        return word[:i] + word[i] + word[i:]
    return word[:i] + rng.choice("aeioutnrsm") + word[i + 1 :]


def misspell(text: str, writing: str, rng: random.Random) -> str:
    """The text with some words in another spelling; spaces at the ends stay."""
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :] if text.strip() else ""
    out = []
    careless = rng.random() < 0.35
    for word in text.split():
        choice = rng.random()
        spelled = word
        if choice < (0.35 if writing != "deva" else 0.12):
            spelled = _variant(word, writing, rng)
        if writing != "deva" and rng.random() < (0.06 if careless else 0.008):
            spelled = _typo(spelled, rng)
        out.append(spelled)
    return lead + " ".join(out) + tail
