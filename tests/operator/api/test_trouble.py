"""An API server, an outside and a Graph API that are busy, refuse, or are away."""

import asyncio
import itertools
from collections.abc import Mapping
from itertools import pairwise
from time import monotonic

import pytest

from munshi.contracts.ids import CellName
from munshi.contracts.tenant import POOL, WhatsAppTenant
from munshi.errors import MunshiError, Permanent, Retryable
from munshi_operator.api import Conflict
from munshi_operator.kinds import DEPLOYMENT, HTTP_ROUTE, Ref
from munshi_operator.types import MetaReport, OutsideReport, Part, Served, Unfinished
from rig.operating import NAMESPACE, Stage, key_of, ref, tenant
from rig.outside_memory import OK

NAME = "sharma"
KEY = key_of(NAME)
CELL = CellName(KEY)


@pytest.mark.parametrize(
    "refusal",
    [
        Retryable("429 TooManyRequests", 0.01),
        Retryable("500 InternalError"),
        Conflict("409 Conflict"),
        Retryable("the API server does not answer: ConnectError"),
    ],
    ids=["429", "500", "409", "away"],
)
async def test_every_second_write_is_refused(stage: Stage, refusal: MunshiError) -> None:
    count = itertools.count()

    def refuse(verb: str, _: Ref) -> MunshiError | None:
        return refusal if verb not in ("list", "watch") and next(count) % 2 else None

    stage.api.refuse = refuse
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))


async def test_an_api_server_that_was_away_is_read_anew(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        stage.api.refuse = lambda _v, _r: Retryable("away")
        await stage.api.wake()
        stage.api.put(tenant(NAME, displayName="New"))
        stage.api.remove(Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress"))
        await asyncio.sleep(0)
        stage.api.forget_history()
        stage.api.refuse = lambda _v, _r: None
        await stage.until(lambda: stage.deployment(f"{NAME}-ingress") is not None)
        await stage.until(
            lambda: (
                stage.ready(NAME)
                and stage.outside.entries[CELL][KEY].object.tenant.spec.display_name == "New"
            ),
        )


async def test_a_watch_that_lost_its_place_misses_no_deletion(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        stage.api.silent = True
        stage.api.remove(Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress"))
        stage.api.put(tenant("gupta", isolation="Pooled"))
        stage.rotate("gupta", "token")
        await asyncio.sleep(0)
        stage.api.forget_history()
        stage.api.silent = False
        await stage.api.wake()
        await stage.until(lambda: stage.deployment(f"{NAME}-ingress") is not None)
        await stage.until(lambda: stage.ready("gupta"))


async def test_a_deaf_watch_of_tenants_is_found_by_the_census(stage: Stage) -> None:
    async with stage.operator(census_seconds=0.1) as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        await stage.rest(parts)
        stage.api.silent = True
        stage.api.put(tenant(NAME, displayName="New"))
        await stage.until(lambda: stage.outside.entries[CELL][KEY].object.tenant.spec.display_name == "New")


async def test_an_outside_that_is_away_is_told_and_holds_nothing_else_up(stage: Stage) -> None:
    async with stage.operator() as parts:
        stage.create(NAME)
        stage.create("gupta")
        await stage.until(lambda: stage.ready(NAME) and stage.ready("gupta"))
        stage.outside.refuse = lambda _c, key: Retryable("NATS does not answer") if key == KEY else None
        stage.api.put(tenant(NAME, displayName="New"))
        stage.api.remove(Ref(DEPLOYMENT, NAMESPACE, f"{NAME}-ingress"))
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("status") == "True")
        assert "NATS" in stage.condition(NAME, "Degraded")["message"]
        await stage.until(lambda: stage.deployment(f"{NAME}-ingress") is not None)
        # What was served goes on being served.
        await stage.until(lambda: stage.condition(NAME, "Ready").get("status") == "True")
        stage.api.put(tenant("gupta", displayName="New"))
        await stage.until(lambda: stage.status("gupta")["observedGeneration"] == 2 and stage.ready("gupta"))
        stage.outside.refuse = lambda _c, _k: None
        await stage.until(lambda: stage.condition(NAME, "Degraded")["status"] == "False")
        await stage.rest(parts)


async def test_a_failing_tenant_writes_its_status_once_not_at_every_try(stage: Stage) -> None:
    stage.outside.refuse = lambda _c, _k: Retryable("NATS does not answer")
    async with stage.operator() as parts:
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Ready").get("status") == "False")
        await stage.until(lambda: parts.engine.queue.failures(KEY) >= 2)
        before = len(stage.api.writes)
        await stage.until(lambda: parts.engine.queue.failures(KEY) >= 6)
        assert stage.api.writes[before:] == []


async def test_a_graph_api_that_is_away_holds_no_tenant_back(stage: Stage) -> None:
    stage.meta.refuse = lambda: Retryable("the Graph API does not answer")
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        assert stage.condition(NAME, "CredentialsValid")["status"] == "Unknown"
        stage.meta.refuse = lambda: None
        await stage.until(lambda: stage.condition(NAME, "CredentialsValid")["status"] == "True")


async def test_what_meta_refused_is_asked_again_soon_and_ever_more_seldom(stage: Stage) -> None:
    times: list[float] = []
    real = stage.meta.check
    refused = MetaReport(OK, Part(False, "WebhookOverridden", "take the override away"))

    async def check(tenant: WhatsAppTenant, credentials: Mapping[str, str], webhook_url: str) -> MetaReport:
        times.append(monotonic())  # at its beginning: however long it takes, the next is counted from its end
        report = await real(tenant, credentials, webhook_url)
        return refused if len(times) < 5 else report

    stage.meta.check = check  # type: ignore[method-assign]
    async with stage.operator() as parts:
        assert parts.engine.settings.resync_seconds == 600
        parts.engine.reconciler.serving.meta_again_seconds = 0.1
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "WebhookVerified").get("status") == "False")
        await stage.until(lambda: stage.condition(NAME, "WebhookVerified").get("status") == "True")
        await stage.rest(parts)
        waits = [later - sooner for sooner, later in pairwise(times)]
        assert len(waits) == 4
        assert all(wait >= 0.8 * 0.1 * 2**n for n, wait in enumerate(waits))
        assert stage.condition(NAME, "Degraded")["status"] == "False"


async def test_a_kind_that_is_not_installed_is_named(stage: Stage) -> None:
    stage.api.absent.add(HTTP_ROUTE)
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "KindNotInstalled")
        assert "HTTPRoute" in stage.condition(NAME, "Degraded")["message"]


async def test_a_permanent_refusal_is_told_with_its_reason(stage: Stage) -> None:
    stage.outside.refuse = lambda call, _k: (
        Permanent("no such database", "DatabaseRefused") if call == "ensure" else None
    )
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.condition(NAME, "Degraded").get("reason") == "DatabaseRefused")
        assert stage.condition(NAME, "Ready")["status"] == "False"


def no_room(call: str, key: str) -> MunshiError | None:
    """The streams find no room, and the store is away; the database is well."""
    if call != "ensure" or key != KEY:
        return None
    full = Part(False, "StreamNoRoom", "NATS has no disk left; raise max_file_store")
    away = Part(False, "StorageAway", "the object store does not answer; tried again")
    report = OutsideReport(OK, full, away, "digest", ())
    return Unfinished(report, Permanent(full.message, full.reason))


@pytest.mark.parametrize("served_before", [False, True])
async def test_each_part_outside_says_what_is_wrong_with_it(stage: Stage, served_before: bool) -> None:
    async with stage.operator() as parts:
        if served_before:
            stage.create(NAME)
            await stage.until(lambda: stage.ready(NAME))
        stage.outside.refuse = no_room
        stage.create(NAME, displayName="New")
        await stage.until(lambda: stage.condition(NAME, "StreamsReady").get("status") == "False")
        assert stage.condition(NAME, "DatabaseReady")["status"] == "True"
        assert stage.condition(NAME, "StreamsReady")["reason"] == "StreamNoRoom"
        assert "max_file_store" in stage.condition(NAME, "StreamsReady")["message"]
        assert stage.condition(NAME, "StorageReady")["reason"] == "StorageAway"
        assert stage.condition(NAME, "Degraded")["reason"] == "StreamNoRoom"
        await stage.until(lambda: parts.engine.passes["refused"] >= 1)
        stage.outside.refuse = lambda _c, _k: None
        await stage.until(lambda: stage.ready(NAME))
        assert stage.condition(NAME, "Degraded")["status"] == "False"


async def test_a_part_that_fails_during_a_move_is_told_too(stage: Stage) -> None:
    async with stage.operator():
        stage.create(NAME)
        await stage.until(lambda: stage.ready(NAME))
        stage.outside.refuse = no_room
        stage.api.put(tenant(NAME, isolation="Pooled"))
        await stage.until(lambda: stage.condition(NAME, "StreamsReady").get("reason") == "StreamNoRoom")
        stage.outside.refuse = lambda _c, _k: None
        await stage.until(lambda: stage.status(NAME).get("cell") == POOL and stage.ready(NAME))
        await stage.until(lambda: stage.condition(NAME, "StreamsReady")["status"] == "True")


async def test_a_pass_that_hangs_is_ended_and_others_go_on(stage: Stage) -> None:
    hanging = asyncio.Event()
    real = stage.outside.ensure

    async def ensure(want: Served) -> OutsideReport:
        if want.object.key == KEY and not hanging.is_set():
            await asyncio.Event().wait()
        return await real(want)

    stage.outside.ensure = ensure  # type: ignore[method-assign]
    async with stage.operator(deadline_seconds=0.2, parallel=2) as parts:
        stage.create(NAME)
        for number in range(5):
            stage.create(f"shop-{number}")
        await stage.until(lambda: all(stage.ready(f"shop-{n}") for n in range(5)))
        await stage.until(lambda: parts.engine.passes["late"] >= 1)
        hanging.set()
        await stage.until(lambda: stage.ready(NAME))
        assert stage.api.get(ref(NAME)) is not None
