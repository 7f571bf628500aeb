"""Numbers and people in memory, kept in the store: who is meant by a phone number, a BSUID or an access
token."""

import re

from munshi_emulator.models import Person, PhoneNumber
from munshi_emulator.store import Statement, Store

BSUID = re.compile(r"^[A-Z]{2}\.[A-Za-z0-9]{1,128}$")
_NOT_DIGIT = re.compile(r"\D", re.ASCII)


def digits(text: str) -> str:
    """Only the digits of a phone number."""
    return _NOT_DIGIT.sub("", text)


class Directory:
    """All numbers and people, with the indexes for looking them up."""

    def __init__(self, store: Store) -> None:
        """Load what the store has."""
        self.numbers: dict[str, PhoneNumber] = {}
        self.persons: dict[str, Person] = {}
        self.stopped: set[tuple[str, str]] = set()
        """(waba, person) pairs that want no marketing."""
        self._by_phone: dict[str, str] = {}
        self._by_bsuid: dict[tuple[str, str], str] = {}
        self._portfolios: set[str] = set()
        for row in store.rows("SELECT body FROM numbers"):
            self._index_number(PhoneNumber.model_validate_json(row["body"]))
        for row in store.rows("SELECT body FROM persons"):
            self._index_person(Person.model_validate_json(row["body"]))
        for row in store.rows("SELECT waba, person FROM preferences WHERE value = 'stop'"):
            self.stopped.add((row["waba"], row["person"]))

    def put_number(self, number: PhoneNumber) -> Statement:
        """Take a number in (or over); returns what the store has to write."""
        self._index_number(number)
        return (
            "INSERT INTO numbers VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (number.phone_number_id, number.model_dump_json()),
        )

    def drop_number(self, number_id: str) -> Statement:
        """Forget a number."""
        self.numbers.pop(number_id, None)
        return ("DELETE FROM numbers WHERE id = ?", (number_id,))

    def put_person(self, person: Person) -> Statement:
        """Take a person in (or over). The phone must be nobody else's: raises ValueError."""
        holder = self._by_phone.get(person.phone)
        if holder is not None and holder != person.person_id:
            msg = f"phone {person.phone} belongs to {holder}"
            raise ValueError(msg)
        self._index_person(person)
        return (
            "INSERT INTO persons VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (person.person_id, person.model_dump_json()),
        )

    def set_preference(self, waba: str, person_id: str, value: str) -> Statement:
        """Record `stop` or `resume` of marketing messages."""
        (self.stopped.add if value == "stop" else self.stopped.discard)((waba, person_id))
        return (
            "INSERT INTO preferences VALUES (?, ?, ?)"
            " ON CONFLICT (waba, person) DO UPDATE SET value = excluded.value",
            (waba, person_id, value),
        )

    def by_phone(self, phone: str) -> Person | None:
        """The person who has this number now."""
        person_id = self._by_phone.get(phone)
        return None if person_id is None else self.persons[person_id]

    def by_bsuid(self, portfolio: str, bsuid: str) -> Person | None:
        """The person whom a portfolio knows by this BSUID now."""
        person_id = self._by_bsuid.get((portfolio, bsuid))
        return None if person_id is None else self.persons[person_id]

    def find(self, reference: str) -> Person | None:
        """A person by id or by phone number in any writing."""
        return self.persons.get(reference) or self.by_phone(digits(reference))

    def forget_people(self) -> None:
        """As if nobody had ever written."""
        for index in (self.persons, self._by_phone, self._by_bsuid):
            index.clear()
        self.stopped.clear()

    def _index_number(self, number: PhoneNumber) -> None:
        self.numbers[number.phone_number_id] = number
        if number.portfolio not in self._portfolios:
            self._portfolios.add(number.portfolio)
            for person in self.persons.values():
                self._by_bsuid[number.portfolio, person.bsuid(number.portfolio)] = person.person_id

    def _index_person(self, person: Person) -> None:
        before = self.persons.get(person.person_id)
        if before is not None:
            self._by_phone.pop(before.phone, None)
            for portfolio in self._portfolios:
                self._by_bsuid.pop((portfolio, before.bsuid(portfolio)), None)
        self.persons[person.person_id] = person
        self._by_phone[person.phone] = person.person_id
        for portfolio in self._portfolios:
            self._by_bsuid[portfolio, person.bsuid(portfolio)] = person.person_id
