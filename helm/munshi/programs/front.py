"""The demo's front, on the operator's image: leads webhooks to tenants, and tells the emulator of tenants.

In production a Gateway does the first, and Meta's own settings the second. The demo needs neither: a webhook
for `/webhooks/whatsapp/<key>` goes to the dedicated tenant's Service, or to the pool's; the numbers of every
tenant that is applied are made known to the emulator, as `munshi up` does on one machine.
"""

import asyncio
import base64
import os
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from munshi.contracts.tenant import Isolation, WhatsAppTenant
from munshi.errors import MunshiError
from munshi.provision.documents import Secret
from munshi.provision.emulator import forget_numbers, number_bodies, register_numbers
from munshi.provision.tenants import ServedTenant
from munshi.telemetry import configure
from munshi_operator.api import Selection
from munshi_operator.builders.names import INGRESS, child_name
from munshi_operator.cluster import LightkubeCluster
from munshi_operator.kinds import SECRET, TENANT, Ref

POOL, EMULATOR, BASE = os.environ["POOL_URL"], os.environ["EMULATOR_URL"], os.environ["WEBHOOK_URL"]
LOOK_SECONDS = 2.0
READ = ("apiVersion", "kind", "metadata", "spec")
KEPT_HEADERS = ("X-Hub-Signature-256", "Content-Type")

log = structlog.get_logger()


class Front:
    """Who is served where, as seen last."""

    def __init__(self, cluster: LightkubeCluster) -> None:
        self.cluster = cluster
        self.services: dict[str, str] = {}
        self.told: dict[str, dict[str, Any]] = {}

    async def watch(self) -> None:
        """Looks for ever; a failure is told and tried again."""
        while True:
            try:
                await self.look()
            except (MunshiError, KeyError, ValueError) as error:
                log.warning("look_failed", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Learns all tenants, and tells the emulator what it does not know yet."""
        services: dict[str, str] = {}
        bodies: dict[str, dict[str, Any]] = {}
        async for page in self.cluster.list(Selection(TENANT)):
            for raw in page.items:
                tenant = WhatsAppTenant.model_validate({key: raw[key] for key in READ})
                services[tenant.key] = service_of(tenant)
                bodies |= await self.numbers(tenant)
        self.services = services
        new = {number: body for number, body in bodies.items() if self.told.get(number) != body}
        await asyncio.to_thread(register_numbers, EMULATOR, new)
        await asyncio.to_thread(forget_numbers, EMULATOR, sorted(self.told.keys() - bodies.keys()))
        self.told = bodies

    async def numbers(self, tenant: WhatsAppTenant) -> dict[str, dict[str, Any]]:
        """What the emulator is told of a tenant; nothing while its Secret is not there."""
        name = tenant.spec.whatsapp.secret_ref.name
        found = await self.cluster.get(Ref(SECRET, tenant.metadata.namespace, name))
        data = (found or {}).get("data") or {}
        values = {key: base64.b64decode(value).decode().strip() for key, value in data.items()}
        if not {"app-secret", "access-token", "verify-token"} <= values.keys():
            return {}
        secret = Secret(name=name, namespace=tenant.metadata.namespace, values=values)
        return number_bodies(ServedTenant(tenant, secret), f"{BASE}/webhooks/whatsapp/{tenant.key}")

    async def lead(self, request: web.Request) -> web.Response:
        """Passes one webhook on, body and signature as they are."""
        base = self.services.get(request.match_info.get("key", ""), POOL)
        headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        session: ClientSession = request.app["session"]
        try:
            async with session.request(
                request.method, f"{base}{request.path_qs}", data=await request.read(), headers=headers
            ) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), content_type=answer.content_type
                )
        except (ClientError, TimeoutError):
            return web.Response(status=503)


def service_of(tenant: WhatsAppTenant) -> str:
    """Address of who takes a tenant's webhooks."""
    if tenant.spec.isolation is Isolation.POOLED:
        return POOL
    return f"http://{child_name(tenant.metadata.name, INGRESS)}.{tenant.metadata.namespace}.svc"


async def ready(_: web.Request) -> web.Response:
    """It listens: more is not needed to lead to the pool."""
    return web.json_response({"status": "ok"})


async def serve() -> None:
    """Runs until the pod ends."""
    front = Front(LightkubeCluster.from_environment())
    app = web.Application(client_max_size=4 * 1024 * 1024)
    for path in ("/webhooks/whatsapp", "/webhooks/whatsapp/{key}"):
        app.router.add_route("*", path, front.lead)
    app.router.add_get("/readyz", ready)
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        app["session"] = session
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 8080).start()  # noqa: S104 (a pod's own address)
        await front.watch()


if __name__ == "__main__":
    configure("front", "info")
    asyncio.run(serve())
