"""What rows say: amounts, days, GSTINs, bill numbers, vendors, totals. Rows written by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.contracts.media import Document
from munshi_inference.documents import amounts, dates, gstin, numbers, reading
from munshi_inference.documents.kind import RuleJudge
from munshi_inference.documents.pieces import Piece, rows

TODAY = date(2026, 11, 21)


def page(text: str, height: float = 20.0) -> list[Piece]:
    """Rows of a text as pieces; two spaces or more stand between columns. A row that begins with `!` is twice
    as tall."""
    pieces = []
    for index, row in enumerate(text.strip().split("\n")):
        tall = height * (2 if row.startswith("!") else 1)
        top, at = index * 3 * height, 0.0
        for column in row.lstrip("!").split("  "):
            if column.strip():
                width = 10.0 * len(column.strip())
                pieces.append(Piece(column.strip(), at, top, at + width, top + tall, 0.99))
                at += width
            at += 60.0
    return pieces


def read(text: str, *, currency: str = "INR") -> Document:
    """The document that these rows are."""
    return reading.read(page(text), reading.Context(TODAY, currency, "by hand"), RuleJudge())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("₹1,25,000.00", ["125000.00"]),
        ("Rs.99.50", ["99.50"]),
        ("1500/-", ["1500"]),
        ("रु. १,२५०.००", ["1250.00"]),
        ("F431.56", ["431.56"]),
        ("4l1.OO", ["411.00"]),
        ("411. 00", ["411.00"]),
        ("4, 638 .39", ["4638.39"]),
        ("3,240,00", ["3240.00"]),
        ("LKR 2,930.00", ["2930.00"]),
        (".6334.20", ["6334.20"]),
        ("天830.00", ["830.00"]),
        ("25.1,415.42", ["1415.42"]),
        ("ó.6,458.80", ["6458.80"]),
        ("9 , 300.00", ["9300.00"]),
        ("919.,30", ["919.30"]),
        ("5.85.00", ["85.00"]),
        ("255.87.50", ["87.50"]),
        ("99,Coo.0o", ["99000.00"]),
        ("2 x 549  1098.00", ["2", "549", "1098.00"]),
        ("12/11/2026", []),
        ("18:42", []),
        ("CGST 2.5%", []),
        ("", []),
    ],
)
def test_amounts(text: str, wanted: list[str]) -> None:
    found = [amount.value for amount in amounts.find(amounts.clean(text))]
    assert found == [Decimal(value) for value in wanted]


def test_rupee_sign_taken_for_a_digit_stays_possible() -> None:
    (amount,) = amounts.find(amounts.clean("2431.56"))
    assert amount.readings == (Decimal("2431.56"), Decimal("431.56"))
    (marked,) = amounts.find(amounts.clean("Rs 2431.56"))
    assert marked.readings == (Decimal("2431.56"),)


@given(st.decimals(min_value=1, max_value=9_999_999, places=2))
def test_every_printed_amount_is_read_back(value: Decimal) -> None:
    for text in (f"{value:.2f}", f"{value:,.2f}", f"Rs. {value:.2f}"):
        assert value in {a.value for a in amounts.find(amounts.clean(text))}


@given(st.text(max_size=80))
def test_no_text_breaks_the_readers(text: str) -> None:
    cleaned = amounts.clean(text)
    for amount in amounts.find(cleaned):
        assert amount.value >= 0
    dates.find(cleaned, TODAY)
    gstin.find(text)
    numbers.find([text])
    read(text or "-")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Date: 12/11/2026", "2026-11-12"),
        ("12-11-26", "2026-11-12"),
        ("12.11.2026 14:32", "2026-11-12"),
        ("2026-11-12", "2026-11-12"),
        ("7-Nov-26", "2026-11-07"),
        ("25-0ct-2026", "2026-10-25"),
        ("Nov 7, 2026", "2026-11-07"),
        ("३ नवंबर २०२६", "2026-11-03"),
        ("7 නොවැම්බර් 2026", "2026-11-07"),
        ("2026 අප්‍රේල් 7", "2026-04-07"),
        ("03/25/2026", "2026-03-25"),
        ("27-3-अक्टूबर-2026", "2026-10-27"),
        ("2026/11/1919:17", "2026-11-19"),
        ("28,10.,2026", "2026-10-28"),
        ("25 सितंबर AR2026", "2026-09-25"),
        ("31/02/2026", None),
        ("12/11/1998", None),
    ],
)
def test_days(text: str, wanted: str | None) -> None:
    found = dates.find(amounts.clean(text), TODAY)
    assert [d.day.isoformat() for d in found] == ([wanted] if wanted else [])


@given(st.dates(min_value=date(2020, 1, 1), max_value=TODAY))
def test_every_written_day_is_read_back(day: date) -> None:
    for form in ("%d/%m/%Y", "%d-%m-%Y", "%d %b %Y", "%Y-%m-%d"):
        assert [d.day for d in dates.find(day.strftime(form), TODAY)] == [day]


def test_gstin_is_mended_by_its_checksum() -> None:
    # 27AAPFU0939F1ZV is the example of the GST network's own documents.
    assert gstin.find("GSTIN: 27AAPFU0939F1ZV") == ("27AAPFU0939F1ZV", False)
    assert gstin.find("GSTIN 27 AAPFU O939F 1ZV") == ("27AAPFU0939F1ZV", False)
    assert gstin.find("GSTIN 27AAPFU0939F1ZX") == (None, True)
    assert gstin.find("Total 1200.00") == (None, False)


@given(st.from_regex(r"\A[0-3][1-9][A-Z]{5}[0-9]{4}[A-Z][1-9]Z\Z"), st.integers(0, 34))
def test_no_wrong_check_character_passes(first: str, off: int) -> None:
    right = gstin.check_character(first)
    assert gstin.is_valid(first + right)
    other = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".replace(right, "")[off]
    assert not gstin.is_valid(first + other)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["Bill No: 2287  Date: 03/11/2026"], "2287"),
        (["Invoice No. NPI/26-27/0318"], "NPI/26-27/0318"),
        (["Bill#  Dated", "31992  29/10/2026"], "31992"),
        (["No. 618  Date 30/10/2026"], "618"),
        (["बिल क्रमांक: SM-2210"], "SM-2210"),
        (["රිසිට්පත් අංකය: 00892"], "00892"),
        (["चालान 4 202607565"], "202607565"),
        (["Bill No 7  1200.00"], "7"),
        (["ब्रिल नं। SK-26-98471"], "SK-26-98471"),
        (["Total 1200.00"], None),
    ],
)
def test_bill_numbers(texts: list[str], wanted: str | None) -> None:
    assert numbers.find(texts)[0] == wanted


KIRANA = """
!BHAGWATI KIRANA STORES
Karve Nagar, Pune 411052
Mob: 98220 41177
Bill No: 2287  Date: 03/11/2026
Item  Qty  Rate  Amt
Poha Thick  2  48.00  96.00
Gemini Oil 1L  3  151.00  453.00
NET AMT  549.00
Cash  1000.00
Change  451.00
"""


def test_receipt() -> None:
    document = read(KIRANA)
    fields = document.fields
    assert (fields.total, fields.date) == (Decimal("549.00"), date(2026, 11, 3))
    assert (fields.vendor, fields.invoice_no) == ("BHAGWATI KIRANA STORES", "2287")
    assert fields.currency == "INR"
    assert [(line.description, line.quantity, line.amount) for line in document.lines] == [
        ("Poha Thick", Decimal(2), Decimal("96.00")),
        ("Gemini Oil 1L", Decimal(3), Decimal("453.00")),
    ]
    assert document.failed_checks == ()


@pytest.mark.parametrize(
    ("row", "description", "quantity", "price"),
    [
        ("Aata 10 kg 1 420 420.00", "Aata 10 kg", 1, 420),
        ("Aata 10 kg  1  420  420.00", "Aata 10 kg", 1, 420),
        ("Aata  10 kg  42.00  420.00", "Aata", 10, 42),
        ("Aata 10 kg  420.00", "Aata 10 kg", None, None),
        ("Dolo 650  2  30.50  61.00", "Dolo 650", 2, "30.50"),
        ("3. Notebook 172 pages  4 x 60.00  240.00", "Notebook 172 pages", 4, 60),
        ("5  Cotton Shirt  6205  2  650.00  1300.00", "Cotton Shirt", 2, 650),
        ("चावल 25 किलो  2  1400.00  2800.00", "चावल 25 किलो", 2, 1400),
        ("सरसों तेल 1 ली.  165.00", "सरसों तेल 1 ली", None, None),
        ("Rice 5 kg  Rs. 320.00", "Rice 5 kg", None, None),
        ("Sugar  2  91.00", "Sugar", None, None),
        ("සීනි 1 kg  2  275.00  550.00", "සීනි 1 kg", 2, 275),
    ],
)
def test_items_keep_the_size_in_their_name(
    row: str, description: str, quantity: int | None, price: int | str | None
) -> None:
    (line,) = read(f"Shop Store\nItem  Qty  Rate  Amount\n{row}\nTotal  5000.00").lines
    assert line.description == description
    assert line.quantity == (None if quantity is None else Decimal(quantity))
    assert line.unit_price == (None if price is None else Decimal(price))


def test_figures_below_a_name_are_its_own() -> None:
    text = "Shop Store\nItem  Qty  Rate  Amount\nToor Dal 1 kg\n2 x 168.00  336.00\nSalt\n1 x 28.00  28.00"
    document = read(f"{text}\nTotal  364.00")
    assert [(line.description, line.quantity, line.amount) for line in document.lines] == [
        ("Toor Dal 1 kg", Decimal(2), Decimal("336.00")),
        ("Salt", Decimal(1), Decimal("28.00")),
    ]
    assert document.failed_checks == ()


def test_sums_decide_what_the_rupee_sign_was() -> None:
    document = read("Shop Store\nRice  320.00\nSugar  91.00\nSubtotal  411.00\nGST  20.56\nTotal  2431.56")
    assert document.fields.total == Decimal("431.56")
    assert (document.fields.subtotal, document.fields.tax) == (Decimal("411.00"), Decimal("20.56"))


@pytest.mark.parametrize("total", ["251733.00", "25.1733.00", "251,733.00"])
def test_sums_decide_whether_two_digits_were_rs(total: str) -> None:
    goods = "Rice  1000.00\nSugar  733.00"
    assert read(f"Shop Store\n{goods}\nTotal  {total}").fields.total == Decimal("1733.00")


def test_two_digits_are_no_rs_where_no_sum_says_so() -> None:
    assert read("Shop Store\nTotal  251733.00").fields.total == Decimal("251733.00")


def test_a_towns_number_is_no_money() -> None:
    assert read("Sharma Stores\nNagpur 440012\nBalance due").fields.total is None


def test_discount_whose_name_was_not_read() -> None:
    text = "Shop Store\nFuel  3738.01\nSub Total  3738.01\n?  373.80\nNet Amount  3364.21"
    document = read(text)
    assert document.fields.total == Decimal("3364.21")
    assert document.failed_checks == ()


def test_letters_of_a_bills_number_stay_letters() -> None:
    assert read("Shop Store\nBill No: S66742\nTotal  100.00").fields.invoice_no == "S66742"


def test_what_does_not_add_up_is_said() -> None:
    document = read("Shop Store\nRice  320.00\nSugar  91.00\nGrand Total  999.00")
    assert document.fields.total == Decimal("999.00")
    assert "lines_do_not_add_up" in document.failed_checks


def test_buyers_gstin_is_not_the_sellers() -> None:
    text = "Shop Store\nBill No: 4\nBill To: Lata\nGSTIN 27AAPFU0939F1ZV\nTotal  100.00"
    assert read(text).fields.gstin is None
    assert read("Shop Store\nGSTIN 27AAPFU0939F1ZV\nTotal  100.00").fields.gstin == "27AAPFU0939F1ZV"


def test_day_in_the_future_is_doubted() -> None:
    document = read("Shop Store\nDate: 12/01/2027\nTotal  100.00")
    assert "date_in_future" in document.failed_checks
    assert document.confidences["date"] < 0.5


def test_rs_is_the_tenants_rupee() -> None:
    text = "PERERA STORES\nTotal Rs.  2,930.00"
    assert read(text, currency="LKR").fields.currency == "LKR"
    assert read(text).fields.currency == "INR"


def test_hindi_receipt() -> None:
    text = "!मंगल किराना स्टोर\nबिल नं: 318  दिनांक: 05/11/2026\nआटा  380.00\nतेल  284.00\nकुल राशि  ₹ 664.00"
    fields = read(text).fields
    assert (fields.total, fields.vendor, fields.invoice_no) == (
        Decimal("664.00"),
        "मंगल किराना स्टोर",
        "318",
    )
    assert fields.date == date(2026, 11, 5)


def test_sinhala_receipt() -> None:
    text = (
        "!සමන් ස්ටෝර්ස්\nබිල් අංකය: 318  දිනය: 2026/11/05\nසීනි  275.00\nපරිප්පු  640.00\n"
        "උප එකතුව  915.00\nවට්ටම  15.00\nමුළු එකතුව  රු. 900.00\nගෙවූ මුදල  1,000.00\nඉතිරිය  100.00"
    )
    document = read(text, currency="LKR")
    fields = document.fields
    assert (fields.total, fields.vendor, fields.currency) == (Decimal("900.00"), "සමන් ස්ටෝර්ස්", "LKR")
    assert (fields.invoice_no, fields.date) == ("318", date(2026, 11, 5))
    assert document.failed_checks == ()


def test_rows_follow_bent_paper() -> None:
    left = [Piece(f"item {i}", 0, 40 * i, 100, 40 * i + 20) for i in range(5)]
    bent = [Piece(f"{i}.00", 400, 40 * i + 9, 460, 40 * i + 29) for i in range(5)]
    between = [Piece(f"x{i}", 200, 40 * i + 4, 240, 40 * i + 24) for i in range(5)]
    assert [row.text for row in rows([*bent, *left, *between])] == [
        f"item {i}  x{i}  {i}.00" for i in range(5)
    ]
