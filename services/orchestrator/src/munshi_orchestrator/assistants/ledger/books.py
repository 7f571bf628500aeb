"""The books as they will be when this turn is written: what the reader says, with the turn's own effects."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from munshi.contracts.assistant import (
    AddEntry,
    AmendEntry,
    Balance,
    CategoryTotal,
    Customer,
    Effect,
    Entry,
    LearnAlias,
    LedgerReader,
    Origin,
    Remember,
    Remembered,
    RemoveEntry,
    Source,
)
from munshi.contracts.ids import MessageID
from munshi.contracts.media import DocumentFields
from munshi.contracts.understanding import Category
from munshi_orchestrator.assistants.ledger.names import key
from munshi_orchestrator.assistants.ledger.state import Person


def balance_effect(entry: Entry) -> Decimal:
    """What an entry does to its customer's balance."""
    if entry.category is Category.CREDIT:
        return entry.amount
    return -entry.amount if entry.category is Category.PAYMENT else Decimal(0)


@dataclass(frozen=True, slots=True)
class _Delta:
    sign: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Held:
    """A customer's balances by currency (positive: owed) and the day of the latest entry before this turn."""

    amounts: dict[str, Decimal]
    last_on: date | None


@dataclass
class Books:
    """Reads through the port, writes only effects. One instance a turn."""

    reader: LedgerReader
    effects: list[Effect] = field(default_factory=list)
    _deltas: list[_Delta] = field(default_factory=list)
    _live: dict[str, Entry | None] = field(default_factory=dict)
    """Entries that this turn touched, as they now are; `None` where removed. In order of adding."""
    _added: list[str] = field(default_factory=list)
    _customers: list[Customer] | None = None

    async def customers(self) -> Sequence[Customer]:
        """Names of the books; those made in this turn have a negative id."""
        if self._customers is None:
            self._customers = list(await self.reader.customers())
        return self._customers

    async def find(self, name: str) -> Person | None:
        """The customer written exactly so, regardless of case."""
        wanted = key.fold(name)
        for customer in await self.customers():
            if customer.name == name or key.both(customer.name)[0] == wanted:
                return person_of(customer)
        return None

    async def balance(self, person: Person) -> Held:
        """What a customer owes, this turn's entries included. No amounts: never on account."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        days = []
        if person.id is not None:
            for row in await self.reader.balance(person.id):
                amounts[row.currency] += row.amount
                days += [row.last_entry_on] if row.last_entry_on else []
        for delta in self._deltas:
            effect = balance_effect(delta.entry)
            if effect and _is(delta.entry, person):
                amounts[delta.entry.currency] += delta.sign * effect
        return Held(dict(amounts), max(days, default=None))

    async def debtors(self, limit: int) -> Sequence[Balance]:
        """Who owes most, this turn's entries included for those who owed before."""
        rows = []
        for row in await self.reader.debtors(limit):
            person = person_of(row.customer)
            moved = sum(
                (d.sign * balance_effect(d.entry) for d in self._deltas
                 if d.entry.currency == row.currency and _is(d.entry, person)),
                Decimal(0),
            )  # fmt: skip
            if row.amount + moved > 0:
                rows.append(row.model_copy(update={"amount": row.amount + moved}))
        return sorted(rows, key=lambda row: -row.amount)

    async def totals(self, first: date, last: date) -> Sequence[CategoryTotal]:
        """Sums of a period by category and currency."""
        sums: dict[tuple[Category, str], list[Decimal]] = {}
        for row in await self.reader.totals(first, last):
            sums[row.category, row.currency] = [row.total, Decimal(row.count)]
        for delta in self._deltas:
            entry = delta.entry
            if first <= entry.occurred_on <= last:
                held = sums.setdefault((entry.category, entry.currency), [Decimal(0), Decimal(0)])
                held[0] += delta.sign * entry.amount
                held[1] += delta.sign
        return [
            CategoryTotal(category=category, currency=currency, total=total, count=int(count))
            for (category, currency), (total, count) in sums.items()
            if count > 0
        ]

    async def last_entry(self) -> Entry | None:
        """The youngest live entry. `None` too where this turn removed it: the one before is not seen yet."""
        for ref in reversed(self._added):
            entry = self._live[ref]
            if entry is not None:
                return entry
        return self._current(await self.reader.last_entry())

    async def entries_of(self, message_id: MessageID) -> list[Entry]:
        """Live entries of a message, or of the message that one of our replies answered."""
        stored = [self._current(entry) for entry in await self.reader.entries_of_message(message_id)]
        own = [self._live[ref] for ref in self._added if message_of(ref) == message_id]
        return [entry for entry in (*stored, *own) if entry is not None]

    async def same_receipt(self, sha256: str | None, fields: DocumentFields) -> list[Entry]:
        """Live entries of the same file, or of a document with the same number, vendor and total."""
        if sha256 is None and fields.invoice_no is None:
            return []
        stored = [self._current(entry) for entry in await self.reader.same_receipt(sha256, fields)]
        return [entry for entry in stored if entry is not None]

    async def entry(self, ref: str) -> Entry | None:
        """One live entry by its name."""
        if ref in self._live:
            return self._live[ref]
        entries = await self.reader.entries_of_message(message_of(ref))
        return next((self._current(entry) for entry in entries if entry.ref == ref), None)

    async def origin(self, ref: str) -> Origin | None:
        """How an entry came in; `None` where there is none."""
        for effect in self.effects:
            if isinstance(effect, AddEntry) and effect.ref == ref:
                own = None if effect.source is Source.TEXT else message_of(ref)
                return Origin(source=effect.source, metadata=effect.metadata, of=effect.of or own)
        return await self.reader.origin(ref)

    def added_count(self) -> int:
        """How many entries this turn added."""
        return len(self._added)

    def removed_any(self) -> bool:
        """Whether this turn took something back."""
        return any(entry is None for entry in self._live.values())

    def add(
        self, entry: Entry, source: Source, metadata: dict[str, Any], of: MessageID | None = None
    ) -> None:
        """A new row; `of` is the message that began it, where it is another than the ref names."""
        self.effects.append(
            AddEntry(
                ref=entry.ref,
                customer_id=entry.customer_id,
                customer_name=entry.customer_name,
                description=entry.description,
                amount=entry.amount,
                currency=entry.currency,
                category=entry.category,
                source=source,
                occurred_on=entry.occurred_on,
                metadata=metadata,
                of=of,
            )
        )
        self._deltas.append(_Delta(1, entry))
        self._live[entry.ref] = entry
        self._added.append(entry.ref)
        self._know(entry)

    def amend(self, old: Entry, new: Entry, reason: str) -> None:
        """A live row changed in place."""
        moved = (old.customer_id, old.customer_name) != (new.customer_id, new.customer_name)
        self.effects.append(
            AmendEntry(
                ref=old.ref,
                customer_id=new.customer_id if moved else None,
                customer_name=new.customer_name if moved else None,
                amount=new.amount if new.amount != old.amount else None,
                category=new.category if new.category != old.category else None,
                occurred_on=new.occurred_on if new.occurred_on != old.occurred_on else None,
                reason=reason,
            )
        )
        self._deltas += [_Delta(-1, old), _Delta(1, new)]
        self._live[old.ref] = new
        self._know(new)

    def remove(self, entry: Entry, reason: str) -> None:
        """A live row taken back."""
        self.effects.append(RemoveEntry(ref=entry.ref, reason=reason))
        self._deltas.append(_Delta(-1, entry))
        self._live[entry.ref] = None

    def remember(
        self, key: str, value: dict[str, Any], about: str | None = None, of: MessageID | None = None
    ) -> None:
        """A fact about the person; `about`: by what it is found again through likeness; `of`: the message
        whose file it came of."""
        self.effects.append(Remember(key=key, value=value, about=about, of=of))

    async def like(self, prefix: str, about: str, limit: int) -> Sequence[Remembered]:
        """Facts of earlier turns most like `about`."""
        return await self.reader.like(prefix, about, limit)

    def learn(self, person: Person, alias: str) -> None:
        """Another spelling of a customer who is already in the books."""
        if person.id is not None and person.id > 0 and key.fold(person.name) != key.fold(alias):
            self.effects.append(LearnAlias(customer_id=person.id, alias=alias))

    def _current(self, entry: Entry | None) -> Entry | None:
        return self._live.get(entry.ref, entry) if entry is not None else None

    def _know(self, entry: Entry) -> None:
        if self._customers is not None and entry.customer_id is None and entry.customer_name:
            folded = key.fold(entry.customer_name)
            if all(key.both(customer.name)[0] != folded for customer in self._customers):
                self._customers.append(Customer(id=-1 - len(self._customers), name=entry.customer_name))


def message_of(ref: str) -> MessageID:
    """The message from which an entry came."""
    return MessageID(ref.rpartition("#")[0])


def person_of(customer: Customer) -> Person:
    """A customer as a person of the state; one made in this turn has no id yet."""
    return Person(id=customer.id if customer.id > 0 else None, name=customer.name)


def _is(entry: Entry, person: Person) -> bool:
    if person.id is not None and entry.customer_id is not None:
        return entry.customer_id == person.id
    return entry.customer_name is not None and key.fold(entry.customer_name) == key.fold(person.name)
