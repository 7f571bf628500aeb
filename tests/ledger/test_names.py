"""Names: romanised as people write, linked, asked about or kept apart."""

import pytest

from munshi.contracts.assistant import Customer
from munshi_orchestrator.assistants.ledger.names import Ask, Link, New, match, near
from munshi_orchestrator.assistants.ledger.names.romaniser import romanise


@pytest.mark.parametrize(
    ("written", "latin"),
    [
        ("रमेश", "ramesh"), ("महेंद्र", "mahendra"), ("कृष्ण", "krishna"), ("सिंह", "singh"),
        ("लक्ष्मी", "lakshmee"),
        ("बलवंत", "balvant"), ("अशोक", "ashok"), ("चंद्र", "chandra"), ("मुरुगन", "murugan"),
        ("जगदीश", "jagdeesh"),
        ("प्रकाश", "prakaash"), ("ज़ुबैर", "zubair"), ("रामचंद्र", "raamchandra"), ("अब्दुल", "abdul"),
        ("Ramesh", "Ramesh"), ("रमेश Kumar", "ramesh Kumar"),
    ],
)  # fmt: skip
def test_romanised_as_people_write(written: str, latin: str) -> None:
    assert romanise(written) == latin


SAME = [
    ("Ramesh", "ramesh"), ("Ramesh bhai", "Ramesh"), ("Ramesh ji", "RAMESH"), ("रमेश", "Ramesh"),
    ("Lakshmi", "Laxmi"), ("लक्ष्मी", "Laxmi"), ("Pooja", "Puja"), ("पूजा", "Pooja"),
    ("Gurpreet", "Gurprit"),
    ("Shweta", "Sweta"), ("Vikas", "Wikas"), ("Santosh", "Santhosh"), ("Abdullah", "Abdulla"),
    ("Priya", "Pria"),
    ("Mohd Salim", "Mohammad Saleem"), ("Chaudhary", "Choudhary"), ("Jai", "Jay"),
    ("महेंद्र", "Mahendra"),
    ("Rameshbhai", "Ramesh"), ("सिंह", "Singh"), ("Sunita didi", "सुनीता"), ("Guptaa", "Gupta"),
    ("शर्मा", "Sharma"),
    ("Gourav", "Gaurav"), ("मुरुगन", "Murugan"), ("कृष्णा", "Krishna"), ("Farook", "Farooq"),
    ("Yusuf", "Yusuff"),
]  # fmt: skip
ALIKE = [
    ("Ankit", "Ankita"), ("Vijay", "Bijay"), ("Ramsh", "Ramesh"), ("Ramesh", "Ramesh Kumar"),
    ("Ram", "Rama"),
    ("Mahender", "Mahendra"), ("Ramesh chacha", "Ramesh"), ("Sunil", "Sunila"),
    ("Bhupinder", "Bhupindar"),
]  # fmt: skip
APART = [
    ("Ramesh", "Rakesh"), ("Ramesh", "Mahesh"), ("Suresh", "Naresh"), ("Sunil", "Sushil"),
    ("Sunita", "Anita"),
    ("Ramesh Kumar", "Rakesh Kumar"), ("Dinesh", "Ganesh"), ("Mukesh", "Lokesh"), ("Amit", "Sumit"),
    ("Ravi", "Rani"),
    ("Imran", "Irfan"), ("Gita", "Rita"), ("Salma", "Saima"), ("Gupta Traders", "Gupta Stores"),
]  # fmt: skip


def _books(name: str) -> list[Customer]:
    return [Customer(id=7, name="Zubeida Begum"), Customer(id=1, name=name)]


@pytest.mark.parametrize(("said", "kept"), SAME)
def test_one_name_links_silently(said: str, kept: str) -> None:
    for one, other in ((said, kept), (kept, said)):
        assert match(one, _books(other)) == Link(Customer(id=1, name=other))


@pytest.mark.parametrize(("said", "kept"), ALIKE)
def test_similar_names_are_asked_about(said: str, kept: str) -> None:
    for one, other in ((said, kept), (kept, said)):
        assert match(one, _books(other)) == Ask((Customer(id=1, name=other),))


@pytest.mark.parametrize(("said", "kept"), APART)
def test_different_names_are_kept_apart(said: str, kept: str) -> None:
    for one, other in ((said, kept), (kept, said)):
        assert match(one, _books(other)) == New()


def test_an_exact_spelling_wins_over_an_equal_key() -> None:
    books = [Customer(id=1, name="Laxmi"), Customer(id=2, name="Lakshmi")]
    assert match("lakshmi", books) == Link(books[1])
    assert match("Laksmi", books) == Ask((books[0], books[1]))


def test_a_learnt_alias_links_silently() -> None:
    books = [Customer(id=1, name="Vijay", aliases=("Bijay",))]
    assert match("bijay", books) == Link(books[0])


def test_a_first_name_that_two_have_is_asked_about() -> None:
    books = [Customer(id=1, name="Ramesh Kumar"), Customer(id=2, name="Ramesh Gupta")]
    assert match("Ramesh", books) == Ask((books[0], books[1]))


def test_suggestions_reach_further_than_links() -> None:
    books = [Customer(id=1, name="Rakesh"), Customer(id=2, name="Suresh"), Customer(id=3, name="Bilal")]
    assert books[0] in near("Ramesh", books)
    assert books[2] not in near("Ramesh", books)
    assert near("Xavier", books) == ()


@pytest.mark.parametrize("odd", ["", " ", "।", "ji", "99", "🙂", "\u200d", "्", "a" * 200])
def test_odd_names_never_fail(odd: str) -> None:
    books = [Customer(id=1, name="Ramesh"), Customer(id=2, name=odd or "x")]
    match(odd, books)
    near(odd, books)
