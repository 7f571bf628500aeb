"""Hindi in Latin letters, as people type it."""

from munshi_orchestrator.assistants.ledger.phrases.keys import Phrase

PHRASES: dict[Phrase, str] = {
    Phrase.SALE: "bikri",
    Phrase.BUY: "kharid",
    Phrase.CREDIT: "udhaar",
    Phrase.PAYMENT: "jama",
    Phrase.EXPENSE: "kharcha",
    Phrase.ENTRY_NAMED: "{name} — {amount} {category}",
    Phrase.ENTRY_BARE: "{amount} {category}",
    Phrase.ENTRY_DAY: "{entry} ({day})",
    Phrase.NO_NAME: "bina naam",
    Phrase.TODAY: "aaj",
    Phrase.YESTERDAY: "kal",
    Phrase.DAY: "{day} {month}",
    Phrase.DAY_YEAR: "{day} {month} {year}",
    Phrase.RANGE: "{first} se {last} tak",
    Phrase.MONTHS: "Jan Feb March April May June July Aug Sep Oct Nov Dec",
    Phrase.BOOKED: "Likh liya ✅ {entry}.",
    Phrase.BOOKED_MANY: "Likh liya ✅",
    Phrase.OWES: "Ab {name} ka baaki: {amount}.",
    Phrase.SETTLED: "{name} ka hisaab ab barabar hai.",
    Phrase.AHEAD: "{name} ka {amount} advance jama hai.",
    Phrase.ASK_AMOUNT: "Kitne ka? Bas rakam likh dijiye.",
    Phrase.ASK_AMOUNT_OF: "{name} — kitne ka? Bas rakam likh dijiye.",
    Phrase.ASK_NAME_CREDIT: "{amount} udhaar — kiske naam likhna hai?",
    Phrase.ASK_NAME_PAYMENT: "{amount} jama — kisse mile?",
    Phrase.ASK_CATEGORY: "{amount} — kis cheez ka likhna hai?",
    Phrase.ASK_CATEGORY_OF: "{name} — {amount}: kya likhna hai?",
    Phrase.ASK_SAME: "“{said}” — kya ye wahi {name} hai jo khaate mein hai?",
    Phrase.ASK_WHICH: "“{said}” — khaate mein in mein se kaun?",
    Phrase.ASK_CONFIRM: "{entry} — likhna hai?",
    Phrase.ASK_CONFIRM_CHANGE: "{old} → {new} — badalna hai?",
    Phrase.ASK_CONFIRM_UNDO: "{entry} — ye entry wapas lena hai?",
    Phrase.ASK_CHANGE: "{entry} — ismein kya badalna hai? Sahi rakam, naam ya tareekh likhiye.",
    Phrase.STILL_OPEN: "Aur ye baaki hai: {question}",
    Phrase.HINT_DROP: "(Na likhna ho to “rehne do” likhiye.)",
    Phrase.DROPPED: "Theek hai, chhod diya. Kuch nahi likha.",
    Phrase.UNCHANGED: "Theek hai, kuch nahi badla.",
    Phrase.DROPPED_ENTRY: "Theek hai, nahi likha: {entry}.",
    Phrase.DROPPED_FOR_NEW: "(Pehle wala adhoora chhod diya: {entry})",
    Phrase.AMOUNT_ZERO: "Zero ki entry nahi likhi ja sakti. Sahi rakam kya hai?",
    Phrase.AMOUNT_TOO_LARGE: "Ye rakam bahut badi hai, khaate mein nahi aa sakti. Sahi rakam kya hai?",
    Phrase.QUOTA: (
        "Is mahine ki entries ki seema poori ho gayi hai, isliye ye nahi likha gaya 🙏 "
        "Hisaab poochhna chalta rahega."
    ),
    Phrase.BUTTON_YES: "Haan, likho",
    Phrase.BUTTON_NO: "Nahi",
    Phrase.BUTTON_CHANGE: "Haan, badlo",
    Phrase.BUTTON_SAME: "Haan, wahi",
    Phrase.BUTTON_NEW: "Nahi, naya naam",
    Phrase.BUTTON_CREDIT: "Udhaar diya",
    Phrase.BUTTON_PAYMENT: "Paise mile",
    Phrase.BUTTON_BUY: "Maal kharida",
    Phrase.BUTTON_UNDO: "Haan, wapas lo",
    Phrase.BUTTON_KEEP: "Nahi, rehne do",
    Phrase.LIST_LABEL: "Chuniye",
    Phrase.ROW_SALE: "Bikri (nakad)",
    Phrase.ROW_BUY: "Maal kharida",
    Phrase.ROW_CREDIT: "Udhaar diya",
    Phrase.ROW_PAYMENT: "Purane paise mile",
    Phrase.ROW_EXPENSE: "Kharcha",
    Phrase.STALE_DONE: "Ye pehle hi ho chuka hai 👍",
    Phrase.STALE_DROPPED: "Ye pehle hi chhod diya tha. Likhna ho to dobara bhejiye.",
    Phrase.STALE_UNKNOWN: "Ye sawaal ab purana ho gaya hai. Likhna ho to dobara bhejiye.",
    Phrase.CHANGED: "Badal diya ✅ {new} (pehle: {old}).",
    Phrase.CHANGED_ALREADY: "Ye pehle se aisa hi hai: {entry}.",
    Phrase.NOTHING_TO_CHANGE: "Badalne ke liye koi entry nahi hai.",
    Phrase.QUOTED_NOT_FOUND: "Us message ki koi entry khaate mein nahi hai. Sabse aakhri entry ye hai:",
    Phrase.UNDONE: "Wapas le liya ↩️ {entry}.",
    Phrase.UNDONE_MANY: "Wapas le liya ↩️",
    Phrase.NOTHING_TO_UNDO: "Wapas lene ke liye koi entry nahi hai.",
    Phrase.UNDO_AGAIN: "Ek baar mein ek hi entry wapas hoti hai. Agli ke liye phir se “undo” likhiye.",
    Phrase.GONE_MEANWHILE: "Wo entry ab khaate mein nahi hai, kuch nahi badla.",
    Phrase.EDIT_UNREAD: "Badla hua message samajh nahi aaya, isliye entry waisi hi hai: {entry}.",
    Phrase.REVOKED: "Message hata diya gaya, to uski entry bhi hata di ↩️ {entry}.",
    Phrase.REVOKED_MANY: "Message hata diya gaya, to uski entries bhi hata di ↩️",
    Phrase.REVOKED_CORRECTION: "Message hat gaya, par entry waisi hi hai: {entry}. Badalna ho to bataiye.",
    Phrase.TOTAL_HEAD: "📒 {when}:",
    Phrase.TOTAL_LINE: "• {category}: {amount} ({count})",
    Phrase.TOTAL_FLOW: "Paise aaye: {came} · Paise gaye: {went}",
    Phrase.TOTAL_NONE: "📒 {when}: koi entry nahi hai.",
    Phrase.TOTAL_ONE_NONE: "📒 {when} — {category}: kuch nahi",
    Phrase.TOTAL_ONE: "📒 {when} — {category}: {amount} ({count})",
    Phrase.BALANCE_OWES: "{name} ka {amount} baaki hai.",
    Phrase.BALANCE_NONE: "{name} ka kuch baaki nahi hai, hisaab barabar ✅",
    Phrase.BALANCE_AHEAD: "{name} ka {amount} advance jama hai, kuch baaki nahi.",
    Phrase.BALANCE_LAST: "Aakhri entry: {day}.",
    Phrase.BALANCE_UNKNOWN: "“{name}” naam khaate mein nahi mila.",
    Phrase.BALANCE_SUGGEST: "“{name}” naam khaate mein nahi mila. Kya inmein se koi?",
    Phrase.DEBTORS_HEAD: "Sabse zyada baaki:",
    Phrase.DEBTORS_LINE: "{place}. {name} — {amount}",
    Phrase.DEBTORS_NONE: "Kisi ka kuch baaki nahi hai ✅",
    Phrase.GREETING: "Namaste 🙏 Aaj kya likhna hai?",
    Phrase.GREETING_NAMED: "Namaste {name} 🙏 Aaj kya likhna hai?",
    Phrase.GREETING_MORE: "Jaise: “Ramesh ko 500 udhaar” ya “aaj ka total”.",
    Phrase.HELP: (
        "Yahan aapka khaata likha jata hai 📒 Bas aise likhiye:\n"
        "• Ramesh ko 500 ka maal udhaar diya\n"
        "• Suresh ne 200 jama kiye\n"
        "• aaj 1200 ki bikri\n"
        "• bijli bill 800\n"
        "• Ramesh ka kitna baaki hai?\n"
        "• aaj ka total / is hafte ka hisaab\n"
        "• sabse zyada kiska baaki hai?\n"
        "• ya bill ki photo 📷 ya voice note 🎤 bhejiye\n"
        "• galti ho to: “nahi, 600 tha” ya “undo”"
    ),
    Phrase.OTHER: (
        "Ye samajh nahi aaya 🙏 Yahan bikri, kharid, udhaar, jama aur kharcha likha jata hai, aur "
        "hisaab bhi milta hai. "
        "Jaise: “Ramesh ko 500 udhaar” ya “aaj ka total”."
    ),
    Phrase.NOTHING_PENDING: "Abhi koi sawaal baaki nahi hai 👍 Kya likhna hai?",
    Phrase.NAME_ALONE: "{name} ka kya? Jaise: “{name} 500 udhaar”, “{name} 200 jama” ya “{name} ka baaki”.",
    Phrase.THANKS: "Ji 🙏",
    Phrase.MEDIA_PICTURE: (
        "Photo aur bill yahan abhi padhe nahi ja sakte 🙏 Likh kar bhejiye, jaise “bijli bill 800”."
    ),
    Phrase.MEDIA_VOICE: (
        "Voice message yahan abhi samjhe nahi ja sakte 🙏 Likh kar bhejiye, jaise “Ramesh ko 500 udhaar”."
    ),
    Phrase.MEDIA_ELSE: "Ye padha nahi ja sakta 🙏 Likh kar bhejiye, jaise “Ramesh ko 500 udhaar”.",
    Phrase.BUTTON_OTHERWISE: "Badlo",
    Phrase.BUTTON_HEARD: "Haan, yahi",
    Phrase.RECEIPT_HEAD: "🧾 Bill:",
    Phrase.INVOICE_HEAD: "🧾 Invoice:",
    Phrase.RECEIPT_NO_VENDOR: "dukaan ka naam padha nahi gaya",
    Phrase.RECEIPT_DATE: "Tareekh: {day}",
    Phrase.RECEIPT_NO_DATE: "padhi nahi gayi, to aaj ki",
    Phrase.RECEIPT_NUMBER: "Bill no. {number}",
    Phrase.RECEIPT_GSTIN: "GSTIN {gstin}",
    Phrase.RECEIPT_MORE: "• … aur {count}",
    Phrase.RECEIPT_TAX: "Tax: {amount}",
    Phrase.RECEIPT_TOTAL: "Total: {amount}",
    Phrase.RECEIPT_ASK_TOTAL: "Total saaf nahi dikh raha. Total kitna hai? Bas rakam likh dijiye.",
    Phrase.RECEIPT_CHANGE: (
        "Kya badalna hai? Neeche se chuniye, ya likhiye: “total 640”, “date kal ki”, “dukaan Gupta Traders”."
    ),
    Phrase.RECEIPT_AGAIN: "Ye pehle se likha hua hai: {entry}.",
    Phrase.RECEIPT_WAITS: "Ye wahi photo hai jo pehle aayi thi; iska jawab abhi baaki hai.",
    Phrase.DOUBT_LINES: "saamaan ka jod total se nahi milta",
    Phrase.DOUBT_TAX: "tax ka jod total se nahi milta",
    Phrase.DOUBT_GSTIN: "GSTIN theek se padha nahi gaya",
    Phrase.DOUBT_FUTURE: "tareekh aage ki hai",
    Phrase.DOUBT_DATE: "tareekh poori saaf nahi hai",
    Phrase.DOUBT_VENDOR: "dukaan ka naam poora saaf nahi hai",
    Phrase.DOUBT_OTHER_TOTAL: "kaagaz par {amount} likha hai",
    Phrase.NO_RECEIPT: "Mil gaya, par ismein koi bill nahi dikha 🙏 Poore bill ki saaf photo bhejiye.",
    Phrase.SEND_RECEIPT: "Ji, bill ki photo ya PDF bhejiye 📷",
    Phrase.VOICE_HEARD: "Maine suna: “{text}”. Sahi hai?",
    Phrase.VOICE_SILENT: "Is voice note mein kuch sunai nahi diya 🙏 Phir se boliye, ya likh dijiye.",
    Phrase.VOICE_AGAIN: "Theek hai, kuch nahi likha. Phir se boliye, ya likh dijiye.",
    Phrase.VOICE_ON: "Theek hai, ab jawab bolkar doonga 🔊 Band karne ke liye “voice reply off” likhiye.",
    Phrase.VOICE_CANNOT: (
        "Abhi yahan bolkar jawab nahi ho sakta, isliye likhkar doonga; jaise hi ho sakega, bolkar. "
        "Likhkar hi chahiye to “voice reply off” likhiye."
    ),
    Phrase.VOICE_OFF: "Theek hai, ab jawab likhkar doonga.",
    Phrase.FILE_TOO_LARGE: "Ye file bahut badi hai 🙏 Chhoti file ya seedhi photo bhejiye.",
    Phrase.FILE_WRONG_TYPE: "Is tarah ki file padhi nahi ja sakti 🙏 Photo ya PDF bhejiye, ya likh dijiye.",
    Phrase.FILE_BROKEN: "Ye file kharab hai, khul nahi rahi 🙏 Phir se bhejiye.",
    Phrase.FILE_LOCKED: "Is PDF par password laga hai 🙏 Bina password wali PDF ya uski photo bhejiye.",
    Phrase.FILE_TOO_MANY_PAGES: "Ismein bahut zyada panne hain 🙏 Sirf total wala panna bhejiye.",
    Phrase.FILE_TOO_LONG: "Ye voice note bahut lamba hai 🙏 Chhota voice note bhejiye.",
    Phrase.FILE_GONE: "Ye file WhatsApp par ab nahi mili 🙏 Phir se bhejiye.",
    Phrase.FILE_UNCLEAR_PICTURE: (
        "Ye padha nahi gaya 🙏 Achchhi roshni mein phir se photo lijiye, ya likh dijiye."
    ),
    Phrase.FILE_UNCLEAR_SOUND: "Ye samajh nahi aaya 🙏 Phir se boliye, ya likh dijiye.",
}
