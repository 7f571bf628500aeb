"""Names on the bus.

All of a cell's names carry the cell, so that cells may share an account (on servers without JWT accounts)
and never collide.
"""

import zlib

from munshi.contracts.ids import CellName, ConversationKey, LaneID, TenantKey

ACCOUNT_CONVERSATION = ConversationKey("account")
"""Where events go that belong to no person: template, account and quality updates."""


def partition_of(conversation: ConversationKey, partitions: int) -> int:
    """The partition, 0 to `partitions` - 1, that keeps this conversation's order."""
    return zlib.crc32(conversation.encode()) % partitions


def inbound(cell: CellName, tenant: TenantKey, partition: int, conversation: ConversationKey) -> str:
    """Subject of one inbound event."""
    return f"munshi.{cell}.in.{tenant}.{partition:03d}.{conversation}"


def inbound_of_lane(cell: CellName, partition: int) -> str:
    """Filter that takes every event of one lane, whatever its tenant."""
    return f"munshi.{cell}.in.*.{partition:03d}.*"


def inbound_of_tenant(cell: CellName, tenant: TenantKey) -> str:
    """Filter that takes every event of one tenant."""
    return f"munshi.{cell}.in.{tenant}.>"


def inbound_all(cell: CellName) -> str:
    """What the cell's event stream keeps."""
    return f"munshi.{cell}.in.>"


def dead(cell: CellName, tenant: TenantKey) -> str:
    """Subject of a dead letter that ingress cannot sort or read."""
    return f"munshi.{cell}.dead.{tenant}"


def dead_all(cell: CellName) -> str:
    """What the cell's dead-letter stream keeps until the orchestrator has it in Postgres."""
    return f"munshi.{cell}.dead.*"


def media(cell: CellName, verb: str) -> str:
    """Subject of requests to the cell's media services, which share them as one queue group (`media`)."""
    return f"munshi.{cell}.media.{verb}"


def media_all(cell: CellName) -> str:
    """All requests to the cell's media services."""
    return f"munshi.{cell}.media.*"


def event_stream(cell: CellName) -> str:
    """Name of the cell's work-queue stream of events."""
    return f"munshi-{cell}-events"


def dead_stream(cell: CellName) -> str:
    """Name of the cell's work-queue stream of dead letters."""
    return f"munshi-{cell}-dead"


def registry_bucket(cell: CellName) -> str:
    """Name of the cell's key-value bucket; its keys are tenant keys."""
    return f"munshi-{cell}-tenants"


def lane_consumer(partition: int) -> str:
    """Name of the consumer of one lane on the event stream."""
    return f"lane-{partition:03d}"


def lane_id(cell: CellName, partition: int) -> LaneID:
    """Name of a lane in the database and in logs."""
    return LaneID(f"{cell}/{partition:03d}")
