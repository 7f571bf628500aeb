"""Kind and category of bills written by hand, in the words of shops: the shipped model through the reader."""

from datetime import date

import pytest

from munshi.contracts.media import Document, FileKind
from munshi.contracts.understanding import Category
from munshi_inference.documents import reading
from munshi_inference.documents.judging import MODEL_NAME, LinearJudge
from munshi_inference.documents.pieces import Piece
from munshi_inference.nlu.repository import latest, repository

BUY, EXPENSE = Category.BUY, Category.EXPENSE

BILLS: dict[str, tuple[tuple[Category, str], ...]] = {
    "hi": (
        (BUY, "!मुरली किराना\nबिल नं 14\nशक्कर 2 किलो  90.00\nसरसों का तेल  160.00\nअरहर दाल  150.00\nकुल  400.00"),
        (
            BUY,
            "!पवन वस्त्र भंडार\nदिनांक 3/11/2026\nसाड़ी  900.00\nब्लाउज पीस  120.00\nगमछा  80.00\nकुल योग  1100.00",
        ),
        (BUY, "!भारत लोहा भंडार\nसरिया  5200.00\nसीमेंट बोरी  1900.00\nकील  90.00\nकुल राशि  7190.00"),
        (BUY, "!हरिओम सब्जी भंडार\nआलू 10 किलो  220.00\nटमाटर  150.00\nप्याज  200.00\nकुल  570.00"),
        (BUY, "!किसान खाद बीज केंद्र\nयूरिया  532.00\nडीएपी  1350.00\nकीटनाशक  400.00\nकुल  2282.00"),
        (EXPENSE, "!संजीवनी मेडिकल\nबुखार की गोली  30.00\nखांसी की दवा  85.00\nमरहम  40.00\nकुल  155.00"),
        (EXPENSE, "!काका का ढाबा\nदाल फ्राई  120.00\nतंदूरी रोटी  60.00\nसलाद  40.00\nचाय  30.00\nकुल  250.00"),
        (EXPENSE, "!श्याम फिलिंग स्टेशन\nडीजल  20.00  90.00  1800.00\nगाड़ी नं UP32 1122\nकुल  1800.00"),
        (EXPENSE, "!मोबाइल रिचार्ज केंद्र\nरिचार्ज 28 दिन  299.00\nमोबाइल नं 9811122233\nकुल  299.00"),
        (EXPENSE, "!राज्य विद्युत निगम\nउपभोक्ता संख्या 2231\nयूनिट 140\nऊर्जा शुल्क  980.00\nकुल देय  1040.00"),
        (EXPENSE, "!जय भवानी ट्रांसपोर्ट\nट्रक भाड़ा  4500.00\nलदाई मजदूरी  300.00\nकुल  4800.00"),
        (EXPENSE, "!विद्या स्टेशनर्स\nकॉपी  120.00\nपेंसिल  20.00\nफोटोकॉपी  30.00\nकुल  170.00"),
        (EXPENSE, "!राजू ऑटो गैराज\nऑयल बदलाई  450.00\nपंचर  60.00\nमिस्त्री मजदूरी  200.00\nकुल  710.00"),
        (EXPENSE, "!ज्ञान कोचिंग सेंटर\nछात्र सोनू\nमासिक फीस  1200.00\nकुल  1200.00"),
    ),
    "si": (
        (BUY, "!නිමල් සිල්ලර කඩේ\nහාල් 5kg  1100.00\nසීනි  280.00\nපරිප්පු  320.00\nඑකතුව  1700.00"),
        (BUY, "!සමන් හාඩ්වෙයාර්\nසිමෙන්ති  2300.00\nතීන්ත  3900.00\nඇණ  300.00\nඑකතුව  6500.00"),
        (BUY, "!ලංකා රෙදිපිළි\nසාරි  4500.00\nසරම්  1600.00\nකමිස  2200.00\nඑකතුව  8300.00"),
        (BUY, "!ගම එළවළු කඩය\nතක්කාලි  400.00\nකැරට්  350.00\nබෝංචි  300.00\nඑකතුව  1050.00"),
        (EXPENSE, "!නව ඔසුසල\nපැනඩෝල් පෙති  80.00\nසිරප්  450.00\nවිටමින්  900.00\nඑකතුව  1430.00"),
        (EXPENSE, "!රසවත් අවන්හල\nඑළවළු බත්  350.00\nකොත්තු  900.00\nකිරි තේ  120.00\nඑකතුව  1370.00"),
        (EXPENSE, "!සිටි ඉන්ධන පිරවුම්හල\nපෙට්‍රල්  10.00  346.00  3460.00\nවාහන අංකය CAB-1122\nඑකතුව  3460.00"),
        (EXPENSE, "!සරසවි පොත්හල\nඅභ්‍යාස පොත්  540.00\nපෑන්  120.00\nපැන්සල්  90.00\nඑකතුව  750.00"),
        (EXPENSE, "!විදුලිබල මණ්ඩලය\nගිණුම් අංකය 4411\nඒකක 92\nවිදුලි ගාස්තුව  2900.00\nඑකතුව  2900.00"),
        (EXPENSE, "!රීලෝඩ් සෙන්ටර්\nරීලෝඩ්  500.00\nදුරකථන අංකය 0771234567\nඑකතුව  500.00"),
    ),
    "en": (
        (
            BUY,
            "!MURLI KIRANA\nBill No 14\nCheeni  90.00\nSarson Tel  160.00\nArhar Dal  150.00\nTotal  400.00",
        ),
        (BUY, "!PAWAN VASTRA\nSari  900.00\nBlouse Piece  120.00\nGamcha  80.00\nTotal  1100.00"),
        (BUY, "!Bharat Iron Store\nSariya  5200.00\nCement Bag  1900.00\nNails  90.00\nTotal  7190.00"),
        (EXPENSE, "!SANJEEVANI MEDICO\nDolo 650  30.00\nCough Syp  85.00\nGel  40.00\nTotal  155.00"),
        (EXPENSE, "!Kaka Da Dhaba\nDal Fry  120.00\nTandoori Roti  60.00\nChai  30.00\nTotal  210.00"),
        (EXPENSE, "!SHYAM FUELS\nHSD Diesel  20.00  90.00  1800.00\nVeh No UP32 1122\nTotal  1800.00"),
        (EXPENSE, "!JAI TRANSPORT\nTruck Bhada  4500.00\nHamali  300.00\nTotal  4800.00"),
        (EXPENSE, "!Raju Garage\nOil Change  450.00\nPuncture  60.00\nLabour  200.00\nTotal  710.00"),
    ),
}

PAPERS = (
    (
        FileKind.INVOICE,
        "!TAX INVOICE\nKHURANA AGENCIES\nGSTIN 27AAPFU0939F1ZV\nInvoice No KA/118  Dated 02/11/2026\n"
        "Bill To: Deluxe Traders\nGSTIN 29AAGCB7383J1Z4\nPlace of Supply: Karnataka (29)\n"
        "Sr  Description  HSN  Qty  Rate  Amount\n1  Soap Case  3401  2  900.00  1800.00\nIGST 18%  324.00\n"
        "Total  2124.00\nRupees Two Thousand One Hundred Twenty Four Only\nIFSC SBIN0000123\n"
        "Terms: payment within 15 days\nAuthorised Signatory",
    ),
    (
        FileKind.RECEIPT,
        "!FRESHWAY SUPERMARKET\nTAX INVOICE\nGSTIN 27AAPFU0939F1ZV\nCounter 4  Cashier Neha\n"
        "Bill No 5521  03/11/2026 18:41\nMilk  2  30.00  60.00\nBread  1  45.00  45.00\n"
        "CGST  2.50\nSGST  2.50\nTOTAL  105.00\nCash  200.00\nChange  95.00\nThank you, visit again",
    ),
    (
        FileKind.RECEIPT,
        "!CASH MEMO\nRaj Crockery\nNo. 311  Date 04/11/2026\nGlass Set  1  240.00  240.00\n"
        "Plate  6  40.00  240.00\nTotal  480.00\nGoods once sold will not be taken back",
    ),
    (
        FileKind.INVOICE,
        "!कर बीजक\nराजधानी एजेंसी\nGSTIN 09AAPFU0939F1ZU\nबीजक क्रमांक 88  दिनांक 05/11/2026\nक्रेता: मोहन ट्रेडर्स\n"
        "राज्य कोड: 09\nक्र  विवरण  एचएसएन  मात्रा  दर  राशि\n1  साबुन पेटी  3401  2  900.00  1800.00\n"
        "CGST 9%  162.00\nSGST 9%  162.00\nकुल राशि  2124.00\nशब्दों में: दो हजार एक सौ चौबीस रुपये मात्र\n"
        "अधिकृत हस्ताक्षर",
    ),
    (
        FileKind.RECEIPT,
        "!अपना मार्ट\nनकद बिल\nबिल नं 91  दिनांक 05/11/2026 11:20\nदूध  60.00\nब्रेड  45.00\nकुल  105.00\n"
        "नकद  200.00\nवापस  95.00\nधन्यवाद",
    ),
    (
        FileKind.INVOICE,
        "!ඉන්වොයිසිය\nලංකා ඒජන්සි\nඉන්වොයිස් අංකය: 212  දිනය: 2026/11/05\nගැනුම්කරු: සමන් ස්ටෝර්ස්\n"
        "විස්තරය  ප්‍රමාණය  මිල  මුදල\nසබන් පෙට්ටි  2  9000.00  18000.00\nඑකතුව  18000.00\nණය කාලය: දින 30\n"
        "බැංකුව: ලංකා බැංකුව\nඅනුමත අත්සන",
    ),
    (
        FileKind.RECEIPT,
        "!නව සුපර්\nබිල් අංකය: 91  දිනය: 2026/11/05 11:20\nකිරි  600.00\nපාන්  190.00\nඑකතුව  790.00\n"
        "ගෙවූ මුදල  1000.00\nඉතිරිය  210.00\nස්තූතියි, නැවත එන්න",
    ),
)


@pytest.fixture(scope="module")
def judge() -> LinearJudge:
    return LinearJudge(latest(repository(), MODEL_NAME))


def read(text: str, judge: LinearJudge) -> Document:
    """A bill; two spaces stand between columns, a row that begins with `!` is twice as tall."""
    pieces = []
    for index, row in enumerate(text.split("\n")):
        at, tall = 0.0, 40.0 if row.startswith("!") else 20.0
        for column in row.lstrip("!").split("  "):
            width = 10.0 * len(column)
            pieces.append(Piece(column, at, 60.0 * index, at + width, 60.0 * index + tall, 0.99))
            at += width + 60.0
    return reading.read(pieces, reading.Context(date(2026, 11, 21), "INR", "by hand"), judge)


def test_category_by_what_a_shop_sells(judge: LinearJudge) -> None:
    """Nine in ten, in three languages; none of these bills was trained on."""
    bills = [(wanted, text) for of in BILLS.values() for wanted, text in of]
    wrong = [text for wanted, text in bills if read(text, judge).category is not wanted]
    assert len(wrong) <= 0.1 * len(bills), wrong


@pytest.mark.parametrize(("kind", "text"), PAPERS, ids=range(len(PAPERS)))
def test_kind_by_what_a_paper_is_for(kind: FileKind, text: str, judge: LinearJudge) -> None:
    """An invoice names who is to pay, by when and to which account; a receipt says that money was taken, and
    calling itself a tax invoice does not change that."""
    assert read(text, judge).kind is kind
