"""The streams of a cell: pure configurations, each setting with its reason, and the call that makes them so.

What the server decides, not a stream: `sync_interval` (how often files are fsynced; the default of two
minutes means that an acknowledged message survives a killed process but not a power cut of the only replica)
and `max_payload` (must be at least `MAX_DEAD_BYTES`; the server's default of 1 MB is too small).
"""

import contextlib
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from munshi.bus.outgoing import MAX_DEAD_BYTES, MAX_ENTRY_BYTES, MAX_EVENT_BYTES
from munshi.contracts.ids import CellName
from munshi.contracts.subjects import dead_all, dead_stream, event_stream, inbound_all, registry_bucket

MIB = 1024 * 1024

DUPLICATE_WINDOW_SECONDS = 600.0
"""Meta's first retries come within minutes. A larger window costs memory in the server; the durable guard is
the unique key in Postgres."""

_NAME_IN_USE_WITH_OTHER_CONFIG = 10058


@dataclass(frozen=True, slots=True)
class Sizing:
    """What differs between one machine and a cluster. Sizes in bytes, of one replica on disk."""

    replicas: int = 1
    """1 on one machine; 3 on a cluster, so that one node may die."""
    event_bytes: int = 1024 * MIB
    """About a million messages in work: an hour of an outage of everything behind, at 300/s."""
    dead_bytes: int = 256 * MIB
    """Dead letters wait here for seconds only, until the orchestrator has them in Postgres."""
    registry_bytes: int = 64 * MIB
    """10,000 tenants at 2 KB, three times over."""


def event_config(cell: CellName, sizing: Sizing) -> StreamConfig:
    """The cell's events: kept from the webhook until the turn that used them has committed."""
    return StreamConfig(
        name=event_stream(cell),
        description="inbound events, kept until their turn has committed",
        subjects=[inbound_all(cell)],
        # One lane owner takes each message; its ack after the commit removes it: work in flight only.
        retention=RetentionPolicy.WORK_QUEUE,
        # A restart of the server must not lose what ingress answered 200 for.
        storage=StorageType.FILE,
        # A full stream refuses: ingress answers 503 and Meta comes again. The default would drop the oldest.
        discard=DiscardPolicy.NEW,
        max_bytes=sizing.event_bytes,
        max_msg_size=MAX_EVENT_BYTES,
        # Work never grows too old: an outage of a week-end must not eat messages that were answered 200.
        max_age=0,
        max_msgs=-1,
        max_consumers=-1,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        # "Is something of this person pending?" is asked by subject, without a consumer.
        allow_direct=True,
        num_replicas=sizing.replicas,
    )


def dead_config(cell: CellName, sizing: Sizing) -> StreamConfig:
    """What ingress could not sort or read, until it is in Postgres. Settings and reasons as of the events."""
    return event_config(cell, sizing).evolve(
        name=dead_stream(cell),
        description="webhooks that could not be sorted or read, kept until they are in the database",
        subjects=[dead_all(cell)],
        max_bytes=sizing.dead_bytes,
        max_msg_size=MAX_DEAD_BYTES,
    )


def registry_config(cell: CellName, sizing: Sizing) -> StreamConfig:
    """The key-value bucket of the cell's tenants (a stream by the rules of NATS's ADR-8).

    Made as a stream and not by `create_key_value`, which cannot change a bucket that is there.
    """
    bucket = registry_bucket(cell)
    return StreamConfig(
        name=f"KV_{bucket}",
        description="registry of the cell's tenants",
        subjects=[f"$KV.{bucket}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        # ADR-8: a full bucket refuses a put instead of forgetting a tenant.
        discard=DiscardPolicy.NEW,
        # Only what holds now is of interest; the history is in the resource's own store.
        max_msgs_per_subject=1,
        max_bytes=sizing.registry_bytes,
        max_msg_size=MAX_ENTRY_BYTES,
        max_age=0,
        max_msgs=-1,
        max_consumers=-1,
        duplicate_window=120.0,
        # ADR-8: values go by put and delete marker only, and a purge replaces all that a key had.
        deny_delete=True,
        allow_rollup_hdrs=True,
        # Any replica answers a read.
        allow_direct=True,
        num_replicas=sizing.replicas,
    )


async def ensure_streams(js: JetStreamContext, cell: CellName, sizing: Sizing | None = None) -> None:
    """Makes the cell's three streams, or changes them to these settings. May run any number of times.

    Raises:
        nats.js.errors.APIError: the server refuses, for instance to change a stream's retention.
    """
    sizing = sizing or Sizing()
    for config in (
        event_config(cell, sizing),
        dead_config(cell, sizing),
        registry_config(cell, sizing),
    ):
        await _ensure(js, config)


async def delete_streams(js: JetStreamContext, cell: CellName) -> None:
    """Takes the cell's streams away, with all that is in them. May run any number of times.

    Before its account: a server keeps the files of an account that it no longer knows, calls itself unwell
    for their sake and looks for that account, for seconds, whenever it starts.
    """
    for name in (event_stream(cell), dead_stream(cell), f"KV_{registry_bucket(cell)}"):
        with contextlib.suppress(NotFoundError):
            await js.delete_stream(name)


async def _ensure(js: JetStreamContext, config: StreamConfig) -> None:
    try:
        await js.add_stream(config)
    except APIError as error:
        if error.err_code != _NAME_IN_USE_WITH_OTHER_CONFIG:
            raise
        await js.update_stream(config)
