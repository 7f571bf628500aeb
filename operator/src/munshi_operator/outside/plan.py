"""What is wanted outside for a cell and for a tenant, as values. Pure: derives, opens no socket."""

import functools
import hashlib
import hmac
from dataclasses import dataclass, field

import orjson
from pydantic import SecretStr

from munshi.bus.streams import Sizing
from munshi.contracts.ids import CellName, TenantKey
from munshi.contracts.tenant import POOL, Credentials, Isolation, TenantEntry, WhatsAppTenantSpec
from munshi.provision.cell_rights import cell_creds, ingress_creds, media_creds
from munshi.provision.cells import account_limits, as_user
from munshi.provision.derived_keys import MasterKey
from munshi.provision.key_ring import CellKeys
from munshi.provision.nats_jwt import AccountLimits, Identity
from munshi.provision.registry import entry_of
from munshi.provision.scram import scram_verifier
from munshi_operator.outside.settings import OutsideSettings
from munshi_operator.types import CellAccess, Served

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell as it shall be."""

    cell: CellName
    keys: CellKeys
    verifier: str = field(repr=False)
    """What the database keeps of its password."""
    account: str
    """Public key of its NATS account."""
    partitions: int
    sizing: Sizing
    limits: AccountLimits
    database_connections: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """How pods reach the servers, and the name of the database."""

    nats_url: str
    pods_database_url: str
    """Without user and password."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Knows the master key and the sizes."""

    master: MasterKey = field(repr=False)
    settings: OutsideSettings
    addresses: Addresses

    def cell(self, cell: CellName) -> CellPlan:
        """The plan of a cell."""
        return _plan(self, cell)

    def make_plan(self, cell: CellName) -> CellPlan:
        """The same, computed anew."""
        settings, pool, keys = self.settings, cell == POOL, self.master.cell(cell)
        sizing = Sizing(
            replicas=settings.nats_replicas,
            event_bytes=settings.pool_event_bytes if pool else settings.tenant_event_bytes,
            dead_bytes=settings.pool_dead_bytes if pool else settings.tenant_dead_bytes,
            registry_bytes=settings.pool_registry_bytes if pool else settings.tenant_registry_bytes,
        )
        partitions = settings.pool_partitions if pool else settings.tenant_partitions
        connections = settings.pool_connections if pool else settings.tenant_connections
        room = account_limits(sizing)
        return CellPlan(
            cell=cell,
            keys=keys,
            account=Identity.from_seed(keys.account_seed).public,
            verifier=self.master.database_verifier(cell),
            partitions=partitions,
            sizing=sizing,
            limits=AccountLimits(
                disk_bytes=room.disk_bytes,
                streams=3 * sizing.replicas,
                # a lane each, one for dead letters, a watch for each service; replicas count each
                consumers=(partitions + 1 + connections) * sizing.replicas,
                connections=connections,
            ),
            database_connections=UNLIMITED if pool else settings.tenant_database_connections,
        )

    @property
    def pgbouncer_verifier(self) -> str:
        """What the database keeps of PgBouncer's own password."""
        return scram_verifier(
            self.master.pgbouncer_password(), self.master.derive("platform/pgbouncer-salt")[:16]
        )

    def access(self, cell: CellName, role: str) -> CellAccess:
        """What the pods of a cell are given; `role` logs in to the database."""
        return _access(self, cell, role)

    def make_access(self, cell: CellName, role: str) -> CellAccess:
        """The same, computed anew."""
        plan = self.cell(cell)
        return CellAccess(
            cell=cell,
            partitions=plan.partitions,
            nats_url=self.addresses.nats_url,
            ingress_creds=ingress_creds(self.master, cell),
            orchestrator_creds=cell_creds(self.master, cell).services,
            database_url=as_user(self.addresses.pods_database_url, role, plan.keys.database_password),
            sealing_key=plan.keys.sealing_key,
            media_creds=media_creds(self.master, cell),
        )

    def entry(self, want: Served) -> TenantEntry:
        """The registry entry, its credentials sealed under the key of the cell that serves it."""
        tenant = want.object.tenant
        shown = tenant.model_copy(update={"spec": spec_in(want)})
        return entry_of(
            shown,
            self.credentials(want),
            self.cell(want.cell).keys,
            want.object.generation,
            created=want.object.created,
        )

    def credentials(self, want: Served) -> Credentials:
        """What opens the tenant's WhatsApp account and its data."""
        keys, given = self.master.tenant(want.object.key), want.credentials
        previous = given.get("app-secret-previous")
        return Credentials(
            app_secret=SecretStr(given["app-secret"]),
            app_secret_previous=SecretStr(previous) if previous else None,
            access_token=SecretStr(given["access-token"]),
            verify_token=SecretStr(given["verify-token"]),
            lookup_key=SecretStr(keys.lookup_key),
            data_key=SecretStr(keys.data_key),
        )

    def digest(self, want: Served) -> str:
        """Of everything wanted outside for a tenant. Keyed: secrets are in it, and a status is public."""
        plan = self.cell(want.cell)
        wanted = [
            want.cell,
            spec_in(want).model_dump(mode="json", by_alias=True),
            dict(want.credentials),
            want.object.created.isoformat(),
            plan.partitions,
            orjson.dumps(plan.sizing).decode(),
            orjson.dumps(plan.limits).decode(),
            plan.database_connections,
        ]
        key = self.master.derive("platform/digest")
        plain = orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS)
        return hmac.new(key, plain, hashlib.sha256).hexdigest()[:16]


# A plan costs some milliseconds of key derivation, an access some of signing, and every pass asks for both.
@functools.lru_cache(maxsize=2048)
def _plan(planner: Planner, cell: CellName) -> CellPlan:
    return planner.make_plan(cell)


@functools.lru_cache(maxsize=2048)
def _access(planner: Planner, cell: CellName, role: str) -> CellAccess:
    return planner.make_access(cell, role)


def spec_in(want: Served) -> WhatsAppTenantSpec:
    """The spec as the pods of the serving cell shall see it, which during a move is not what people wrote."""
    isolation = Isolation.POOLED if want.cell == POOL else Isolation.DEDICATED
    return want.object.tenant.spec.model_copy(update={"isolation": isolation, "hibernated": want.hibernated})


def own_cell(key: TenantKey) -> CellName:
    """The cell that a tenant has or would have for itself."""
    return CellName(key)
