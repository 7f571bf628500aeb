"""The phrases that the Ledger says; each stands in every language with the same placeholders."""

from enum import StrEnum, auto


class Phrase(StrEnum):
    """Names of phrases. Placeholders in braces."""

    # Words inside other phrases
    SALE = auto()
    BUY = auto()
    CREDIT = auto()
    PAYMENT = auto()
    EXPENSE = auto()
    ENTRY_NAMED = auto()  # {name} {amount} {category}
    ENTRY_BARE = auto()  # {amount} {category}
    ENTRY_DAY = auto()  # {entry} {day}
    NO_NAME = auto()
    TODAY = auto()
    YESTERDAY = auto()
    DAY = auto()  # {day} {month}
    DAY_YEAR = auto()  # {day} {month} {year}
    RANGE = auto()  # {first} {last}
    MONTHS = auto()  # twelve names between blanks

    # Entries
    BOOKED = auto()  # {entry}
    BOOKED_MANY = auto()
    OWES = auto()  # {name} {amount}
    SETTLED = auto()  # {name}
    AHEAD = auto()  # {name} {amount}
    ASK_AMOUNT = auto()
    ASK_AMOUNT_OF = auto()  # {name}
    ASK_NAME_CREDIT = auto()  # {amount}
    ASK_NAME_PAYMENT = auto()  # {amount}
    ASK_CATEGORY = auto()  # {amount}
    ASK_CATEGORY_OF = auto()  # {name} {amount}
    ASK_SAME = auto()  # {said} {name}
    ASK_WHICH = auto()  # {said}
    ASK_CONFIRM = auto()  # {entry}
    ASK_CONFIRM_CHANGE = auto()  # {old} {new}
    ASK_CONFIRM_UNDO = auto()  # {entry}
    ASK_CHANGE = auto()  # {entry}
    STILL_OPEN = auto()  # {question}
    HINT_DROP = auto()
    DROPPED = auto()
    UNCHANGED = auto()
    DROPPED_ENTRY = auto()  # {entry}
    DROPPED_FOR_NEW = auto()  # {entry}
    AMOUNT_ZERO = auto()
    AMOUNT_TOO_LARGE = auto()
    QUOTA = auto()

    # Buttons and lists
    BUTTON_YES = auto()
    BUTTON_NO = auto()
    BUTTON_CHANGE = auto()
    BUTTON_SAME = auto()
    BUTTON_NEW = auto()
    BUTTON_CREDIT = auto()
    BUTTON_PAYMENT = auto()
    BUTTON_BUY = auto()
    BUTTON_UNDO = auto()
    BUTTON_KEEP = auto()
    LIST_LABEL = auto()
    ROW_SALE = auto()
    ROW_BUY = auto()
    ROW_CREDIT = auto()
    ROW_PAYMENT = auto()
    ROW_EXPENSE = auto()
    STALE_DONE = auto()
    STALE_DROPPED = auto()
    STALE_UNKNOWN = auto()

    # Corrections
    CHANGED = auto()  # {old} {new}
    CHANGED_ALREADY = auto()  # {entry}
    NOTHING_TO_CHANGE = auto()
    QUOTED_NOT_FOUND = auto()
    UNDONE = auto()  # {entry}
    UNDONE_MANY = auto()
    NOTHING_TO_UNDO = auto()
    UNDO_AGAIN = auto()
    GONE_MEANWHILE = auto()
    EDIT_UNREAD = auto()  # {entry}
    REVOKED = auto()  # {entry}
    REVOKED_MANY = auto()
    REVOKED_CORRECTION = auto()  # {entry}

    # Queries
    TOTAL_HEAD = auto()  # {when}
    TOTAL_LINE = auto()  # {category} {amount} {count}
    TOTAL_FLOW = auto()  # {came} {went}
    TOTAL_NONE = auto()  # {when}
    TOTAL_ONE_NONE = auto()  # {when} {category}
    TOTAL_ONE = auto()  # {when} {category} {amount} {count}
    BALANCE_OWES = auto()  # {name} {amount}
    BALANCE_NONE = auto()  # {name}
    BALANCE_AHEAD = auto()  # {name} {amount}
    BALANCE_LAST = auto()  # {day}
    BALANCE_UNKNOWN = auto()  # {name}
    BALANCE_SUGGEST = auto()  # {name}
    DEBTORS_HEAD = auto()
    DEBTORS_LINE = auto()  # {place} {name} {amount}
    DEBTORS_NONE = auto()

    # The rest
    GREETING = auto()
    GREETING_NAMED = auto()  # {name}
    GREETING_MORE = auto()
    HELP = auto()
    OTHER = auto()
    NOTHING_PENDING = auto()
    NAME_ALONE = auto()  # {name}
    THANKS = auto()
    MEDIA_PICTURE = auto()
    MEDIA_VOICE = auto()
    MEDIA_ELSE = auto()

    # Pictures, documents, voice notes
    BUTTON_OTHERWISE = auto()
    BUTTON_HEARD = auto()
    RECEIPT_HEAD = auto()
    INVOICE_HEAD = auto()
    RECEIPT_NO_VENDOR = auto()
    RECEIPT_DATE = auto()  # {day}
    RECEIPT_NO_DATE = auto()
    RECEIPT_NUMBER = auto()  # {number}
    RECEIPT_GSTIN = auto()  # {gstin}
    RECEIPT_MORE = auto()  # {count}
    RECEIPT_TAX = auto()  # {amount}
    RECEIPT_TOTAL = auto()  # {amount}
    RECEIPT_ASK_TOTAL = auto()
    RECEIPT_CHANGE = auto()
    RECEIPT_AGAIN = auto()  # {entry}
    RECEIPT_WAITS = auto()
    DOUBT_LINES = auto()
    DOUBT_TAX = auto()
    DOUBT_GSTIN = auto()
    DOUBT_FUTURE = auto()
    DOUBT_DATE = auto()
    DOUBT_VENDOR = auto()
    DOUBT_OTHER_TOTAL = auto()  # {amount}
    NO_RECEIPT = auto()
    SEND_RECEIPT = auto()
    VOICE_HEARD = auto()  # {text}
    VOICE_SILENT = auto()
    VOICE_AGAIN = auto()
    VOICE_ON = auto()
    VOICE_CANNOT = auto()
    VOICE_OFF = auto()
    FILE_TOO_LARGE = auto()
    FILE_WRONG_TYPE = auto()
    FILE_BROKEN = auto()
    FILE_LOCKED = auto()
    FILE_TOO_MANY_PAGES = auto()
    FILE_TOO_LONG = auto()
    FILE_GONE = auto()
    FILE_UNCLEAR_PICTURE = auto()
    FILE_UNCLEAR_SOUND = auto()
