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
        "add=ऐड admission=एडमिशन advance=एडवांस airtel=एयरटेल alarm=अलार्म amazon=अमेज़न amount=अमाउंट atm=एटीएम bank=बैंक barber=बार्बर "
        "battery=बैटरी bike=बाइक birthday=बर्थडे biscuit=बिस्कुट biscuits=बिस्किट bonus=बोनस book=बुक bot=बॉट box=बॉक्स bread=ब्रेड bulb=बल्ब bus=बस "
        "busy=बिज़ी bye=बाय cable=केबल call=कॉल car=कार carpenter=कारपेंटर cement=सीमेंट challan=चालान change=चेंज charge=चार्ज charger=चार्जर "
        "check=चेक cheque=चेक chips=चिप्स clear=क्लियर coach=कोच code=कोड coke=कोक cold=कोल्ड collection=कलेक्शन college=कॉलेज company=कंपनी "
        "confirm=कन्फर्म contact=कांटेक्ट contractor=कॉन्ट्रैक्टर cook=कुक cooker=कुकर cooler=कूलर copy=कॉपी counter=काउंटर courier=कुरियर court=कोर्ट "
        "cover=कवर cream=क्रीम cricket=क्रिकेट current=करंट cylinder=सिलेंडर date=डेट delivery=डिलीवरी dinner=डिनर discount=डिस्काउंट diwali=दिवाली "
        "doctor=डॉक्टर dollar=डॉलर dozen=दर्जन drink=ड्रिंक driver=ड्राइवर due=ड्यू electrician=इलेक्ट्रीशियन emi=ईएमआई english=इंग्लिश exam=एग्जाम "
        "expense=एक्सपेंस expenses=एक्सपेंस fees=फीस fee=फीस final=फाइनल flat=फ्लैट flight=फ्लाइट form=फॉर्म fridge=फ्रिज game=गेम gas=गैस gate=गेट "
        "generator=जनरेटर gift=गिफ्ट godown=गोदाम gold=गोल्ड good=गुड google=गूगल gram=ग्राम gst=जीएसटी guard=गार्ड hardware=हार्डवेयर heater=हीटर "
        "hospital=हॉस्पिटल hostel=हॉस्टल hotel=होटल insurance=इंश्योरेंस internet=इंटरनेट invoice=इनवॉइस ipl=आईपीएल jio=जियो job=जॉब joke=जोक kg=किलो "
        "km=किमी labour=लेबर laptop=लैपटॉप last=लास्ट late=लेट ledger=लेजर light=लाइट like=लाइक list=लिस्ट litre=लीटर loading=लोडिंग loan=लोन "
        "location=लोकेशन lottery=लॉटरी lunch=लंच machine=मशीन madam=मैडम market=मार्केट match=मैच mechanic=मैकेनिक meeting=मीटिंग menu=मेन्यू "
        "message=मैसेज minute=मिनट mixer=मिक्सर month=मंथ morning=मॉर्निंग motor=मोटर movie=मूवी net=नेट network=नेटवर्क new=न्यू news=न्यूज़ newspaper=अखबार "
        "night=नाइट note=नोट number=नंबर nambar=नंबर offer=ऑफर office=ऑफिस only=ओनली otp=ओटीपी pack=पैक packet=पैकेट packing=पैकिंग paint=पेंट painter=पेंटर "
        "pant=पैंट paper=पेपर parcel=पार्सल parking=पार्किंग part=पार्ट pass=पास password=पासवर्ड pay=पे pen=पेन pencil=पेंसिल pending=पेंडिंग percent=परसेंट phone=फोन "
        "foto=फोटो pic=पिक pin=पिन pipe=पाइप plan=प्लान platform=प्लेटफॉर्म plot=प्लॉट plumber=प्लंबर police=पुलिस powder=पाउडर printer=प्रिंटर printing=प्रिंटिंग "
        "profit=प्रॉफिट pump=पंप purchase=परचेज rate=रेट ration=राशन rashan=राशन receive=रिसीव received=रिसीव recovery=रिकवरी register=रजिस्टर remind=रिमाइंड remove=रिमूव "
        "repair=रिपेयर result=रिजल्ट return=रिटर्न rickshaw=रिक्शा riksha=रिक्शा room=रूम sabun=साबुन saree=साड़ी save=सेव scan=स्कैन school=स्कूल scooter=स्कूटर score=स्कोर "
        "seat=सीट security=सिक्योरिटी sell=सेल send=सेंड service=सर्विस set=सेट shampoo=शैंपू share=शेयर shirt=शर्ट shop=शॉप short=शॉर्ट shutter=शटर sir=सर size=साइज "
        "slow=स्लो song=सॉन्ग sorry=सॉरी spare=स्पेयर staff=स्टाफ start=स्टार्ट statement=स्टेटमेंट station=स्टेशन stationery=स्टेशनरी store=स्टोर stove=स्टोव suit=सूट "
        "summary=समरी sunday=संडे monday=मंडे tuesday=ट्यूसडे wednesday=वेडनेसडे thursday=थर्सडे friday=फ्राइडे saturday=सैटरडे super=सुपर supplier=सप्लायर surf=सर्फ switch=स्विच "
        "syrup=सिरप tablet=टैबलेट tailor=टेलर tax=टैक्स taxi=टैक्सी teacher=टीचर thank=थैंक thanks=थैंक्स ticket=टिकट tiles=टाइल्स time=टाइम toll=टोल toothpaste=टूथपेस्ट top=टॉप "
        "train=ट्रेन transfer=ट्रांसफर transport=ट्रांसपोर्ट truck=ट्रक tuition=ट्यूशन tv=टीवी tyre=टायर uncle=अंकल use=यूज़ video=वीडियो voice=वॉइस wait=वेट watchman=वॉचमैन "
        "whatsapp=व्हाट्सएप wholesale=होलसेल wife=वाइफ wifi=वाईफाई worker=वर्कर yaar=यार zero=ज़ीरो menu=मेन्यू week=वीक year=ईयर india=इंडिया flipkart=फ्लिपकार्ट bill=बिल "
        "cancel=कैंसल delivery=डिलीवरी done=डन edit=एडिट exam=एग्जाम forward=फॉरवर्ड guide=गाइड holiday=हॉलिडे image=इमेज jan=जनवरी january=जनवरी february=फरवरी march=मार्च "
        "april=अप्रैल june=जून july=जुलाई august=अगस्त september=सितंबर sept=सितंबर october=अक्टूबर oct=अक्टूबर november=नवंबर nov=नवंबर december=दिसंबर dec=दिसंबर feb=फरवरी "
        "jun=जून jul=जुलाई aug=अगस्त somvar=सोमवार mangalvar=मंगलवार budhvar=बुधवार guruvar=गुरुवार shukravar=शुक्रवार shanivar=शनिवार ravivar=रविवार itvar=इतवार tarikh=तारीख "
        "tareekh=तारीख hafte=हफ्ते hafta=हफ्ता mahine=महीने mahina=महीना saal=साल pichhle=पिछले pichle=पिछले is=इस parso=परसों narso=नरसों subah=सुबह sham=शाम shaam=शाम raat=रात "
        "dupahar=दोपहर baje=बजे bje=बजे singh=सिंह kumar=कुमार sharma=शर्मा krishna=कृष्णा trader=ट्रेडर traders=ट्रेडर्स store=स्टोर stores=स्टोर्स general=जनरल medical=मेडिकल medicals=मेडिकल्स "
        "sweets=स्वीट्स electricals=इलेक्ट्रिकल्स electronics=इलेक्ट्रॉनिक्स enterprises=एंटरप्राइजेज agency=एजेंसी agencies=एजेंसीज sons=संस brothers=ब्रदर्स bros=ब्रदर्स textiles=टेक्सटाइल्स "
        "cloth=क्लॉथ house=हाउस garments=गारमेंट्स centre=सेंटर provision=प्रोविजन dairy=डेयरी bakery=बेकरी tea=टी stall=स्टॉल parts=पार्ट्स motors=मोटर्स steel=स्टील paints=पेंट्स "
        "sanitary=सैनिटरी stationers=स्टेशनर्स depot=डिपो footwear=फुटवियर telecom=टेलीकॉम jewellers=ज्वेलर्स oil=ऑयल mill=मिल flour=फ्लोर sales=सेल्स distributors=डिस्ट्रीब्यूटर्स "
        "suppliers=सप्लायर्स trading=ट्रेडिंग co=कंपनी industries=इंडस्ट्रीज plastics=प्लास्टिक्स fertilizers=फर्टिलाइजर्स seeds=सीड्स tailors=टेलर्स furniture=फर्नीचर opticals=ऑप्टिकल्स "
        "pharma=फार्मा foods=फूड्स fruit=फ्रूट vegetables=वेजिटेबल्स tyres=टायर्स packaging=पैकेजिंग fashion=फैशन computers=कंप्यूटर्स restaurant=रेस्टोरेंट royal=रॉयल national=नेशनल "
        "modern=मॉडर्न star=स्टार city=सिटी metro=मेट्रो famous=फेमस golden=गोल्डन diamond=डायमंड classic=क्लासिक prime=प्राइम perfect=परफेक्ट "
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
