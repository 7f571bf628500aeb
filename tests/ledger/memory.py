"""Books in memory that keep the promises of `LedgerReader` and take effects as the database does.

Customers are found by id, else by one spelling of their name, else made new. Corrections change a row in
place, an undone row is gone. An effect on a row that is not there is refused, and nothing of the turn kept.
"""

import functools
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
    Origin,
    Remember,
    Remembered,
    RemoveEntry,
    Source,
)
from munshi.contracts.ids import MessageID
from munshi.contracts.media import DocumentFields
from munshi.contracts.understanding import Category
from munshi.inference import InferenceSettings
from munshi_inference.embeddings.small import SmallEmbedder, load_small


@functools.cache
def _embedder() -> SmallEmbedder:
    return load_small(InferenceSettings())


class NotAsSeenError(Exception):
    """The books are not as the turn saw them."""


def name_key(name: str) -> str:
    """One spelling for comparison, as in the database."""
    return " ".join(unicodedata.normalize("NFC", name).split()).lower()


@dataclass
class MemoryBooks:
    """One person's books."""

    rows: dict[str, Entry] = field(default_factory=dict)
    names: list[Customer] = field(default_factory=list)
    """Most recently used first."""
    replies: dict[str, tuple[MessageID, ...]] = field(default_factory=dict)
    """Which messages a reply of ours answered."""
    files: dict[MessageID, tuple[str | None, DocumentFields]] = field(default_factory=dict)
    """What came with messages: digest and reading, as the platform keeps it."""
    remembered: dict[str, dict[str, Any]] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    """What remembered facts are about, by their keys."""
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    """Of entries, by ref."""
    links: dict[str, list[MessageID]] = field(default_factory=dict)
    """Messages that had a part in an entry, beside the one that it is named for."""
    ever: set[str] = field(default_factory=set)
    calls: int = 0

    async def customers(self) -> Sequence[Customer]:
        self.calls += 1
        return tuple(self.names[:5000])

    async def balance(self, customer_id: int) -> Sequence[Balance]:
        self.calls += 1
        return self._balances(customer_id)

    def _balances(self, customer_id: int) -> list[Balance]:
        customer = next((one for one in self.names if one.id == customer_id), None)
        if customer is None:
            return []
        sums: dict[str, Decimal] = defaultdict(Decimal)
        last: dict[str, date] = {}
        for row in self.rows.values():
            if row.customer_id == customer_id and row.category in (Category.CREDIT, Category.PAYMENT):
                sums[row.currency] += row.amount if row.category is Category.CREDIT else -row.amount
                last[row.currency] = max(last.get(row.currency, row.occurred_on), row.occurred_on)
        return [
            Balance(customer=customer, currency=currency, amount=amount, last_entry_on=last[currency])
            for currency, amount in sums.items()
        ]

    async def debtors(self, limit: int) -> Sequence[Balance]:
        self.calls += 1
        owed = [row for customer in self.names for row in self._balances(customer.id) if row.amount > 0]
        return sorted(owed, key=lambda row: -row.amount)[:limit]

    async def totals(self, first: date, last: date) -> Sequence[CategoryTotal]:
        self.calls += 1
        sums: dict[tuple[Category, str], tuple[Decimal, int]] = {}
        for row in self.rows.values():
            if first <= row.occurred_on <= last:
                total, count = sums.get((row.category, row.currency), (Decimal(0), 0))
                sums[row.category, row.currency] = (total + row.amount, count + 1)
        return [
            CategoryTotal(category=category, currency=currency, total=total, count=count)
            for (category, currency), (total, count) in sums.items()
        ]

    async def last_entry(self) -> Entry | None:
        self.calls += 1
        return next(reversed(self.rows.values()), None)

    async def origin(self, ref: str) -> Origin | None:
        self.calls += 1
        if ref not in self.rows:
            return None
        had_part = {MessageID(ref.rpartition("#")[0]), *self.links.get(ref, ())}
        of = next((message_id for message_id in self.files if message_id in had_part), None)
        return Origin(source=self.sources[ref], metadata=self.metadata[ref], of=of)

    async def same_receipt(self, sha256: str | None, fields: DocumentFields) -> Sequence[Entry]:
        self.calls += 1
        found: list[Entry] = []
        for message_id, (digest, read) in self.files.items():
            same = None not in (read.invoice_no, read.total, read.vendor) and (
                (read.invoice_no, read.total, name_key(read.vendor or ""))
                == (fields.invoice_no, fields.total, name_key(fields.vendor or ""))
            )
            if same or (digest is not None and digest == sha256):
                found += [row for row in await self.entries_of_message(message_id) if row not in found]
        return found

    async def like(self, prefix: str, about: str, limit: int) -> Sequence[Remembered]:
        self.calls += 1
        facts = [(key, text) for key, text in self.about.items() if key.startswith(prefix)]
        vectors = _embedder().vectors([about, *(text for _, text in facts)])
        scores = [float(vectors[0] @ vector) for vector in vectors[1:]]
        found = [
            Remembered(key=key, value=self.remembered[key], likeness=score)
            for (key, _), score in zip(facts, scores, strict=True)
        ]
        return sorted(found, key=lambda fact: -fact.likeness)[:limit]

    async def entries_of_message(self, message_id: MessageID) -> Sequence[Entry]:
        self.calls += 1
        wanted = {message_id, *self.replies.get(message_id, ())}
        return [
            row
            for row in self.rows.values()
            if not wanted.isdisjoint((MessageID(row.ref.rpartition("#")[0]), *self.links.get(row.ref, ())))
        ]

    def apply(self, effects: Sequence[Effect], at: datetime, messages: Sequence[MessageID] = ()) -> None:
        """All effects of a turn made of these messages, or none."""
        kept = dict(self.rows), list(self.names), set(self.ever)  # the values are frozen
        links = {ref: list(ids) for ref, ids in self.links.items()}
        try:
            for effect in effects:
                self._apply(effect, at)
                if isinstance(effect, AddEntry | AmendEntry):
                    self.links.setdefault(effect.ref, []).extend(messages)
                if isinstance(effect, AddEntry) and effect.of is not None:
                    self.links[effect.ref].append(effect.of)
        except NotAsSeenError:
            self.rows, self.names, self.ever = kept
            self.links = links
            raise

    def _apply(self, effect: Effect, at: datetime) -> None:
        match effect:
            case AddEntry():
                self._add(effect, at)
            case AmendEntry():
                self._amend(effect)
            case RemoveEntry():
                if effect.ref not in self.rows:
                    raise NotAsSeenError(effect.ref)
                del self.rows[effect.ref]
            case LearnAlias():
                place, known = self._by_id(effect.customer_id)
                aliases = (*(a for a in known.aliases if a != effect.alias), effect.alias)
                self.names[place] = known.model_copy(update={"aliases": aliases})
            case Remember():
                self.remembered[effect.key] = effect.value
                if effect.about is not None:
                    self.about[effect.key] = effect.about
            case _:
                pass

    def _add(self, effect: AddEntry, at: datetime) -> None:
        if effect.ref in self.rows:
            raise NotAsSeenError(effect.ref)
        customer = self._customer(effect.customer_id, effect.customer_name)
        self.ever.add(effect.ref)
        self.metadata[effect.ref], self.sources[effect.ref] = effect.metadata, effect.source
        self.rows[effect.ref] = Entry(
            ref=effect.ref,
            customer_name=customer.name if customer else None,
            customer_id=customer.id if customer else None,
            description=effect.description,
            amount=effect.amount,
            currency=effect.currency,
            category=effect.category,
            occurred_on=effect.occurred_on,
            created_at=at,
        )

    def _amend(self, effect: AmendEntry) -> None:
        row = self.rows.get(effect.ref)
        if row is None:
            raise NotAsSeenError(effect.ref)
        customer = self._customer(effect.customer_id, effect.customer_name)
        self.rows[effect.ref] = row.model_copy(
            update={
                "customer_id": customer.id if customer else row.customer_id,
                "customer_name": customer.name if customer else row.customer_name,
                "amount": effect.amount or row.amount,
                "category": effect.category or row.category,
                "occurred_on": effect.occurred_on or row.occurred_on,
            }
        )

    def _customer(self, customer_id: int | None, name: str | None) -> Customer | None:
        if customer_id is not None:
            place, known = self._by_id(customer_id)
        elif name is not None:
            found = [i for i, one in enumerate(self.names) if name_key(one.name) == name_key(name)]
            if not found:
                made = Customer(id=1 + max((one.id for one in self.names), default=0), name=name)
                self.names.insert(0, made)
                return made
            place, known = found[0], self.names[found[0]]
        else:
            return None
        self.names.insert(0, self.names.pop(place))
        return known

    def _by_id(self, customer_id: int) -> tuple[int, Customer]:
        for place, customer in enumerate(self.names):
            if customer.id == customer_id:
                return place, customer
        raise NotAsSeenError(f"customer {customer_id}")
