"""`python -m munshi_operator dead-letters`: what failed for good, on a cluster, for a person.

Runs in an operator's pod, which may do what it takes: read as `munshi_admin`, publish into a tenant's
account, and know a tenant's app secret by its registry entry.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import aiohttp
from nats.js.errors import KeyNotFoundError

from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.subjects import registry_bucket
from munshi.contracts.tenant import POOL, TenantEntry
from munshi.db.connection import open_pool
from munshi.db.dead_letters import DeadLetterRow, DeadLetters
from munshi.errors import UserMistake
from munshi.provision.replays import Place, message_of, webhook_of
from munshi.sealing import unseal_credentials
from munshi_operator.builders.names import INGRESS, child_name
from munshi_operator.outside.failures import of_database, of_nats
from munshi_operator.outside.opening import open_outside
from munshi_operator.outside.provisioned import Provisioned
from munshi_operator.settings import OperatorSettings

_POST_SECONDS = 15.0
_COLUMNS = ("id", "tenant", "source", "reason", "detail", "since", "state")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="munshi_operator dead-letters", description="List, show, replay or drop what failed for good."
    )
    verbs = made.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="the youngest first")
    listing.add_argument("--tenant", help="only this tenant: namespace/name or key")
    listing.add_argument("--all", action="store_true", help="replayed and dropped ones too")
    listing.add_argument("--limit", type=int, default=100, help="at most so many")
    listing.add_argument("--json", action="store_true", help="JSON, an object a line")
    for verb, words in (
        ("show", "one with its payload, which may hold a customer's words, as JSON"),
        ("replay", "take one up again: it goes the way of a message that comes in now"),
        ("drop", "close one for good"),
    ):
        verbs.add_parser(verb, help=words).add_argument("number", type=int, help="as `list` shows it")
    return made


async def run(arguments: Sequence[str], settings: OperatorSettings) -> None:
    """Does what the command line says; prints what it found or did.

    Raises:
        UserMistake: there is no such letter, or it cannot be replayed; it then stays open.
        MunshiError: a server is away or refuses.
    """
    options = parser().parse_args(arguments)
    async with open_outside(settings) as outside:
        with of_database():
            pool = await open_pool(
                settings.database_url.get_secret_value(), name="munshi-dead-letters", size=1
            )
        try:
            await _Door(DeadLetters(pool), pool, outside, settings).do(options)
        finally:
            await pool.close()


class _Door:
    """The letters and what a replay takes."""

    def __init__(
        self, letters: DeadLetters, pool: Any, outside: Provisioned, settings: OperatorSettings
    ) -> None:
        self.letters = letters
        self.pool = pool
        self.outside = outside
        self.settings = settings

    async def do(self, options: argparse.Namespace) -> None:
        """One command."""
        if options.verb == "list":
            tenant = TenantKey(options.tenant.replace("/", "_", 1)) if options.tenant else None
            rows = await self.letters.list(tenant, closed=options.all, limit=options.limit)
            _say(_lines(rows) if options.json else _table(rows))
        elif options.verb == "show":
            row = await self.letters.show(options.number)
            if row is None:
                raise UserMistake(f"there is no dead letter {options.number}; see: list --all")
            _say(json.dumps(_fields(row), ensure_ascii=False, indent=2))
        elif options.verb == "drop":
            if not await self.letters.drop(options.number):
                raise UserMistake(f"there is no open dead letter {options.number}; see: list")
            _say(f"dead letter {options.number} dropped")
        else:
            _say(f"dead letter {options.number}: {await self.replay(options.number)}")

    async def replay(self, number: int) -> str:
        """Takes a letter up again. Gives back what was done."""
        shown = await self.letters.show(number)
        if shown is None or shown.replayed_at or shown.dropped_at:
            raise UserMistake(f"there is no open dead letter {number}; see: list")
        with of_database():
            found = await self.pool.fetchval("SELECT cell FROM tenants WHERE tenant = $1", shown.tenant)
        if found is None:
            raise UserMistake(f"the tenant {shown.tenant} is not served; apply it first")
        cell = CellName(found)
        if shown.source == "ingress":
            # The way in comes first here: what ingress refuses again stays an open letter.
            await self._post(shown, cell)
        taken = await self.letters.replay(number)
        if taken is None:
            raise UserMistake(f"dead letter {number} was closed by somebody else meanwhile")
        if taken.source != "turn":
            return "posted to ingress again" if taken.source == "ingress" else "queued for sending again"
        planner = self.outside.planner
        lookup = bytes.fromhex(planner.master.tenant(shown.tenant).lookup_key)
        place = Place(cell, planner.cell(cell).partitions, lookup)
        again = message_of(shown.tenant, taken, place, time.time_ns())
        with of_nats():
            async with self.outside.bus.open(cell) as js:
                await js.publish(again.subject, again.body, headers=again.headers)
        return "published again"

    async def _post(self, letter: DeadLetterRow, cell: CellName) -> None:
        entry = await self._entry(letter.tenant, cell)
        sealing_key = bytes.fromhex(self.outside.planner.cell(cell).keys.sealing_key)
        secret = unseal_credentials(sealing_key, entry.sealed, entry.key).app_secret.get_secret_value()
        body, headers = webhook_of(letter.payload, secret)
        service = f"munshi-pool-ingress.{self.settings.namespace}"
        if cell != POOL:
            service = f"{child_name(entry.name, INGRESS)}.{entry.namespace}"
        url = f"http://{service}.svc/webhooks/whatsapp/{entry.key}"
        timeout = aiohttp.ClientTimeout(total=_POST_SECONDS)
        status: int | str
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=body, headers=headers) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status = f"nothing ({type(error).__name__})"
        if status != 200:
            raise UserMistake(f"{url} answers {status} to dead letter {letter.id}; it stays open")

    async def _entry(self, tenant: TenantKey, cell: CellName) -> TenantEntry:
        with of_nats():
            async with self.outside.bus.open(cell) as js:
                bucket = await js.key_value(registry_bucket(cell))
                try:
                    held = await bucket.get(tenant)
                except KeyNotFoundError:
                    raise UserMistake(f"the tenant {tenant} is not served; apply it first") from None
        return TenantEntry.model_validate_json(held.value or b"")


def _fields(row: DeadLetterRow) -> dict[str, Any]:
    fields = asdict(row)
    for name in ("created_at", "replayed_at", "dropped_at"):
        fields[name] = fields[name].isoformat() if fields[name] else None
    return fields


def _lines(rows: Sequence[DeadLetterRow]) -> str:
    listed = [{name: value for name, value in _fields(row).items() if name != "payload"} for row in rows]
    return "\n".join(json.dumps(fields, ensure_ascii=False) for fields in listed)


def _table(rows: Sequence[DeadLetterRow]) -> str:
    if not rows:
        return "no dead letters"
    lines = [_COLUMNS]
    for row in rows:
        state = "replayed" if row.replayed_at else "dropped" if row.dropped_at else "open"
        since = row.created_at.isoformat(timespec="seconds")
        lines.append((str(row.id), row.tenant, row.source, row.reason, row.detail, since, state))
    widths = [max(len(line[at]) for line in lines) for at in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")
