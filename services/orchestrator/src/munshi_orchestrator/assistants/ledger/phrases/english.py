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
        "Reading photos and bills is coming soon 🙏 For now please type it, like “electricity bill 800”."
    ),
    Phrase.MEDIA_VOICE: (
        "Listening to voice notes is coming soon 🙏 For now please type it, like “Ramesh 500 credit”."
    ),
    Phrase.MEDIA_ELSE: "This cannot be read yet 🙏 Please type it, like “Ramesh 500 credit”.",
}
