"""Indian English."""

from munshi_orchestrator.assistants.ledger.phrases.keys import Phrase

PHRASES: dict[Phrase, str] = {
    Phrase.SALE: "sale",
    Phrase.BUY: "purchase",
    Phrase.CREDIT: "credit",
    Phrase.PAYMENT: "payment received",
    Phrase.EXPENSE: "expense",
    Phrase.ENTRY_NAMED: "{name} — {amount} {category}",
    Phrase.ENTRY_BARE: "{amount} {category}",
    Phrase.ENTRY_DAY: "{entry} ({day})",
    Phrase.NO_NAME: "no name",
    Phrase.TODAY: "today",
    Phrase.YESTERDAY: "yesterday",
    Phrase.DAY: "{day} {month}",
    Phrase.DAY_YEAR: "{day} {month} {year}",
    Phrase.RANGE: "{first} to {last}",
    Phrase.MONTHS: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    Phrase.BOOKED: "Noted ✅ {entry}.",
    Phrase.BOOKED_MANY: "Noted ✅",
    Phrase.OWES: "{name} now owes {amount}.",
    Phrase.SETTLED: "{name} is all settled now.",
    Phrase.AHEAD: "{name} has paid {amount} ahead.",
    Phrase.ASK_AMOUNT: "How much? Just send the amount.",
    Phrase.ASK_AMOUNT_OF: "{name} — how much? Just send the amount.",
    Phrase.ASK_NAME_CREDIT: "{amount} on credit — to whom?",
    Phrase.ASK_NAME_PAYMENT: "{amount} received — from whom?",
    Phrase.ASK_CATEGORY: "{amount} — what is it for?",
    Phrase.ASK_CATEGORY_OF: "{name} — {amount}: what shall be noted?",
    Phrase.ASK_SAME: "“{said}” — is this the same {name} as in your books?",
    Phrase.ASK_WHICH: "“{said}” — which one in your books?",
    Phrase.ASK_CONFIRM: "{entry} — shall I note it?",
    Phrase.ASK_CONFIRM_CHANGE: "{old} → {new} — shall I change it?",
    Phrase.ASK_CONFIRM_UNDO: "{entry} — shall I take this entry back?",
    Phrase.ASK_CHANGE: "{entry} — what should change? Send the right amount, name or date.",
    Phrase.STILL_OPEN: "Still open: {question}",
    Phrase.HINT_DROP: "(To skip it, send “cancel”.)",
    Phrase.DROPPED: "All right, dropped. Nothing was noted.",
    Phrase.UNCHANGED: "All right, nothing was changed.",
    Phrase.DROPPED_ENTRY: "All right, not noted: {entry}.",
    Phrase.DROPPED_FOR_NEW: "(Dropped the unfinished one: {entry})",
    Phrase.AMOUNT_ZERO: "An entry of zero cannot be noted. What is the right amount?",
    Phrase.AMOUNT_TOO_LARGE: "That amount is too large for the books. What is the right amount?",
    Phrase.QUOTA: (
        "This month's limit of entries is reached, so this was not noted 🙏 You can still ask for "
        "totals and balances."
    ),
    Phrase.BUTTON_YES: "Yes, note it",
    Phrase.BUTTON_NO: "No",
    Phrase.BUTTON_CHANGE: "Yes, change it",
    Phrase.BUTTON_SAME: "Yes, the same",
    Phrase.BUTTON_NEW: "No, a new name",
    Phrase.BUTTON_CREDIT: "Gave on credit",
    Phrase.BUTTON_PAYMENT: "Got paid",
    Phrase.BUTTON_BUY: "Bought goods",
    Phrase.BUTTON_UNDO: "Yes, take it back",
    Phrase.BUTTON_KEEP: "No, keep it",
    Phrase.LIST_LABEL: "Choose",
    Phrase.ROW_SALE: "Sale (paid)",
    Phrase.ROW_BUY: "Goods bought",
    Phrase.ROW_CREDIT: "Given on credit",
    Phrase.ROW_PAYMENT: "Payment received",
    Phrase.ROW_EXPENSE: "Expense",
    Phrase.STALE_DONE: "That is already done 👍",
    Phrase.STALE_DROPPED: "That was dropped earlier. To note it, please send it again.",
    Phrase.STALE_UNKNOWN: "That question is too old now. To note it, please send it again.",
    Phrase.CHANGED: "Changed ✅ {new} (was: {old}).",
    Phrase.CHANGED_ALREADY: "It already stands like that: {entry}.",
    Phrase.NOTHING_TO_CHANGE: "There is no entry to change.",
    Phrase.QUOTED_NOT_FOUND: "There is no entry for that message in the books. The latest entry is:",
    Phrase.UNDONE: "Taken back ↩️ {entry}.",
    Phrase.UNDONE_MANY: "Taken back ↩️",
    Phrase.NOTHING_TO_UNDO: "There is no entry to take back.",
    Phrase.UNDO_AGAIN: "One entry is taken back at a time. For the next one, send “undo” again.",
    Phrase.GONE_MEANWHILE: "That entry is no longer in the books; nothing was changed.",
    Phrase.EDIT_UNREAD: "The edited message was not clear, so the entry stays as it is: {entry}.",
    Phrase.REVOKED: "You deleted the message, so its entry is taken back ↩️ {entry}.",
    Phrase.REVOKED_MANY: "You deleted the message, so its entries are taken back ↩️",
    Phrase.REVOKED_CORRECTION: (
        "You deleted the message, but the entry stays: {entry}. Tell me if it should change."
    ),
    Phrase.TOTAL_HEAD: "📒 {when}:",
    Phrase.TOTAL_LINE: "• {category}: {amount} ({count})",
    Phrase.TOTAL_FLOW: "Money in: {came} · Money out: {went}",
    Phrase.TOTAL_NONE: "📒 {when}: no entries.",
    Phrase.TOTAL_ONE_NONE: "📒 {when} — {category}: nothing",
    Phrase.TOTAL_ONE: "📒 {when} — {category}: {amount} ({count})",
    Phrase.BALANCE_OWES: "{name} owes {amount}.",
    Phrase.BALANCE_NONE: "{name} owes nothing, all settled ✅",
    Phrase.BALANCE_AHEAD: "{name} owes nothing and has paid {amount} ahead.",
    Phrase.BALANCE_LAST: "Last entry: {day}.",
    Phrase.BALANCE_UNKNOWN: "There is no “{name}” in your books.",
    Phrase.BALANCE_SUGGEST: "There is no “{name}” in your books. Did you mean one of these?",
    Phrase.DEBTORS_HEAD: "Who owes most:",
    Phrase.DEBTORS_LINE: "{place}. {name} — {amount}",
    Phrase.DEBTORS_NONE: "Nobody owes anything ✅",
    Phrase.GREETING: "Hello 🙏 What shall we note today?",
    Phrase.GREETING_NAMED: "Hello {name} 🙏 What shall we note today?",
    Phrase.GREETING_MORE: "For example: “Ramesh 500 credit” or “today's total”.",
    Phrase.HELP: (
        "Your books are kept here 📒 Just write like this:\n"
        "• Gave Ramesh goods for 500 on credit\n"
        "• Suresh paid 200\n"
        "• sale 1200 today\n"
        "• electricity bill 800\n"
        "• How much does Ramesh owe?\n"
        "• today's total / this week's total\n"
        "• who owes the most?\n"
        "• or send a photo of a bill 📷, or a voice note 🎤\n"
        "• made a mistake? “no, it was 600” or “undo”"
    ),
    Phrase.OTHER: (
        "That was not clear 🙏 Sales, purchases, credit, payments and expenses are noted here, and "
        "totals and balances "
        "given. For example: “Ramesh 500 credit” or “today's total”."
    ),
    Phrase.NOTHING_PENDING: "Nothing is open right now 👍 What shall we note?",
    Phrase.NAME_ALONE: (
        "What about {name}? For example: “{name} 500 credit”, “{name} paid 200” or “{name} balance”."
    ),
    Phrase.THANKS: "You're welcome 🙏",
    Phrase.MEDIA_PICTURE: (
        "Photos and bills cannot be read here right now 🙏 Please type it, like “electricity bill 800”."
    ),
    Phrase.MEDIA_VOICE: (
        "Voice notes cannot be understood here right now 🙏 Please type it, like “Ramesh 500 credit”."
    ),
    Phrase.MEDIA_ELSE: "This cannot be read 🙏 Please type it, like “Ramesh 500 credit”.",
    Phrase.BUTTON_OTHERWISE: "Change",
    Phrase.BUTTON_HEARD: "Yes, that's it",
    Phrase.RECEIPT_HEAD: "🧾 Receipt:",
    Phrase.INVOICE_HEAD: "🧾 Invoice:",
    Phrase.RECEIPT_NO_VENDOR: "shop not legible",
    Phrase.RECEIPT_DATE: "Date: {day}",
    Phrase.RECEIPT_NO_DATE: "not legible, so today",
    Phrase.RECEIPT_NUMBER: "No. {number}",
    Phrase.RECEIPT_GSTIN: "GSTIN {gstin}",
    Phrase.RECEIPT_MORE: "• … and {count} more",
    Phrase.RECEIPT_TAX: "Tax: {amount}",
    Phrase.RECEIPT_TOTAL: "Total: {amount}",
    Phrase.RECEIPT_ASK_TOTAL: "The total is not legible. How much is it? Just send the amount.",
    Phrase.RECEIPT_CHANGE: (
        "What should change? Choose what it is, or write it: “total 640”, “date yesterday” or "
        "“shop Gupta Traders”."
    ),
    Phrase.RECEIPT_AGAIN: "This one is in your books already: {entry}.",
    Phrase.RECEIPT_WAITS: "That is the same picture as before; it still waits for your answer.",
    Phrase.DOUBT_LINES: "the lines do not add up to the total",
    Phrase.DOUBT_TAX: "the tax does not add up to the total",
    Phrase.DOUBT_GSTIN: "the GSTIN could not be read safely",
    Phrase.DOUBT_FUTURE: "the date lies ahead",
    Phrase.DOUBT_DATE: "the date is not quite clear",
    Phrase.DOUBT_VENDOR: "the name of the shop is not quite clear",
    Phrase.DOUBT_OTHER_TOTAL: "the paper says {amount}",
    Phrase.NO_RECEIPT: (
        "No receipt or bill can be seen in this 🙏 Please send a photo of the whole receipt, in good "
        "light and from above."
    ),
    Phrase.SEND_RECEIPT: "Yes, please send the photo or PDF of the receipt 📷",
    Phrase.VOICE_HEARD: "I heard: “{text}”. Is that right?",
    Phrase.VOICE_SILENT: "Nothing could be heard in this voice note 🙏 Please speak again, or type it.",
    Phrase.VOICE_AGAIN: "All right, nothing was noted. Please say it again, or type it.",
    Phrase.VOICE_ON: "All right, replies come as voice notes now 🔊 To stop, send “voice reply off”.",
    Phrase.VOICE_CANNOT: (
        "Replies cannot be spoken here at the moment, so they come in writing; as voice notes as soon as "
        "that works. To keep them in writing, send “voice reply off”."
    ),
    Phrase.VOICE_OFF: "All right, replies come in writing now.",
    Phrase.FILE_TOO_LARGE: (
        "This file is too large to be read 🙏 Please send a smaller one, a plain photo will do."
    ),
    Phrase.FILE_WRONG_TYPE: "This kind of file cannot be read 🙏 Please send a photo or a PDF, or type it.",
    Phrase.FILE_BROKEN: "This file is damaged and does not open 🙏 Please send it again.",
    Phrase.FILE_LOCKED: (
        "This PDF is locked with a password 🙏 Please send it without the password, or a photo of it."
    ),
    Phrase.FILE_TOO_MANY_PAGES: "This has too many pages 🙏 Please send only the page with the total.",
    Phrase.FILE_TOO_LONG: "This voice note is too long 🙏 Please send a shorter one.",
    Phrase.FILE_GONE: "WhatsApp no longer has this file 🙏 Please send it again.",
    Phrase.FILE_UNCLEAR_PICTURE: (
        "This could not be read 🙏 Please take the photo again in good light, or type it."
    ),
    Phrase.FILE_UNCLEAR_SOUND: "This could not be understood 🙏 Please speak again, or type it.",
}
