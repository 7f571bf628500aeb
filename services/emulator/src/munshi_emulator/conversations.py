"""What Meta remembers of a number and a person: the open window, the pair limit, the number's throughput."""

from dataclasses import dataclass

from munshi_emulator.limits import PAIR_BURST, PAIR_INTERVAL, Initiated, Throughput, pair_next
from munshi_emulator.models import PhoneNumber
from munshi_emulator.store import Store

WINDOW = 24 * 3600.0
FREE_ENTRY = 72 * 3600.0


@dataclass
class Pair:
    """State of one number and one person. Times by the movable clock; 0 for never."""

    last_in: float = 0.0
    referral_at: float = 0.0
    free_until: float = 0.0
    theoretical: float = 0.0

    def window_until(self) -> float:
        """When the right to send freely ends."""
        return max(self.last_in + WINDOW if self.last_in else 0.0, self.free_until)

    def note_inbound(self, at: float, *, referral: bool) -> None:
        """A message of the customer came."""
        self.last_in = max(self.last_in, at)
        if referral:
            self.referral_at = at

    def note_outbound(self, at: float) -> None:
        """The business wrote; the first answer within a day of an ad click opens 72 free hours."""
        if self.referral_at and at - self.referral_at <= WINDOW:
            self.free_until = at + FREE_ENTRY
        self.referral_at = 0.0


class Conversations:
    """All pairs and all throughputs, rebuilt from the messages in the store."""

    def __init__(self, store: Store) -> None:
        """Read what earlier runs left."""
        self.pairs: dict[tuple[str, str], Pair] = {}
        self._throughputs: dict[str, Throughput] = {}
        self._initiated: dict[str, Initiated] = {}
        for row in store.rows("SELECT portfolio, person, at FROM initiated ORDER BY at"):
            self.initiated(row["portfolio"]).at[row["person"]] = row["at"]
        last = (
            "SELECT number, person, max(at) AS at FROM messages"
            " WHERE direction = 'in' AND type <> 'system' GROUP BY number, person"
        )
        for row in store.rows(last):
            self.pair(row["number"], row["person"]).last_in = row["at"]
        self._load_referrals(store)
        self._load_pair_limits(store)

    def pair(self, number: str, person: str) -> Pair:
        """The state of a pair, made when new."""
        found = self.pairs.get((number, person))
        if found is None:
            found = self.pairs[number, person] = Pair()
        return found

    def throughput(self, number: PhoneNumber) -> Throughput:
        """The bucket of a number."""
        bucket = self._throughputs.get(number.phone_number_id)
        if bucket is None or bucket.rate != number.throughput:
            bucket = self._throughputs[number.phone_number_id] = Throughput(number.throughput)
        return bucket

    def initiated(self, portfolio: str) -> Initiated:
        """Whom a portfolio wrote to first."""
        return self._initiated.setdefault(portfolio, Initiated())

    def forget(self) -> None:
        """As if nothing had been written."""
        self.pairs.clear()
        self._initiated.clear()
        self._throughputs.clear()

    def _load_referrals(self, store: Store) -> None:
        """Replay what opens free-entry windows: ad clicks and the first answers to them."""
        clicks = store.rows(
            "SELECT number, person, seq, at FROM messages"
            " WHERE direction = 'in' AND body LIKE '%\"referral\"%' ORDER BY seq"
        )
        for click in clicks:
            pair = self.pair(click["number"], click["person"])
            pair.referral_at = click["at"]
            reply = store.value(
                "SELECT at FROM messages WHERE number = ? AND person = ? AND direction = 'out' AND seq > ?"
                " ORDER BY seq LIMIT 1",
                (click["number"], click["person"], click["seq"]),
            )
            if reply is not None:
                pair.note_outbound(reply)

    def _load_pair_limits(self, store: Store) -> None:
        """Replay the sends that still weigh on their pairs."""
        horizon = store.value("SELECT max(at) FROM messages WHERE direction = 'out'")
        if horizon is None:
            return
        recent = store.rows(
            "SELECT number, person, at FROM messages WHERE direction = 'out' AND at > ? ORDER BY seq",
            (horizon - PAIR_INTERVAL * (PAIR_BURST + 1) * 2,),
        )
        for row in recent:
            pair = self.pair(row["number"], row["person"])
            pair.theoretical = pair_next(pair.theoretical, row["at"]) or pair.theoretical
