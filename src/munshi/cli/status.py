"""`munshi status`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import console, say

if TYPE_CHECKING:
    from munshi.embedded.data_folder import DataFolder
    from munshi.embedded.state import PlatformState, ProcessState


def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show health, addresses and tenants. Exit status 1 when not everything is ready."""
    from munshi.embedded.state import read_state

    folder = data_folder(data)
    state = read_state(folder)
    alive = state if state is not None and state.alive else None
    report = report_of(folder, alive) | {"engines": _engines(alive)}
    if as_json:
        import json

        say(json.dumps(report, ensure_ascii=False))
    else:
        _show(folder, alive, report)
    if not report["ready"]:
        raise typer.Exit(1)


def _lives(process: "ProcessState") -> bool:
    from munshi.embedded.state import same_process

    return process.pid is not None and same_process(process.pid, process.started or 0.0)


def report_of(folder: "DataFolder", state: "PlatformState | None") -> dict[str, Any]:
    """What `--json` prints; with `None` for everything where nothing runs.

    On a full disk the state that was written last is an older one: disk and processes are looked at here too.
    """
    from munshi.embedded.room import full_disk

    endpoints = state.endpoints.model_dump() if state else dict.fromkeys(("ingress", "emulator", "console"))
    processes = [
        {
            "name": process.name,
            "pid": process.pid,
            "ready": process.ready and _lives(process),
            "metrics": process.metrics,
            "needed": process.needed,
            "restarts": process.restarts,
            "problem": process.problem or full_disk(folder.root / process.name),
        }
        for process in (state.processes if state else ())
    ]
    return {
        "ready": state is not None
        and state.ready
        and all(process["ready"] for process in processes if process["needed"]),
        "endpoints": endpoints,
        "database": {"url": state.database_url if state else None},
        "nats": _nats(folder, state),
        "processes": processes,
        "tenants": _tenants(folder, state),
    }


def _engines(state: "PlatformState | None") -> list[dict[str, Any]]:
    from munshi.embedded.engines import found_engines

    return found_engines(state) if state is not None else []


def _nats(folder: "DataFolder", state: "PlatformState | None") -> dict[str, Any]:
    """`creds`: may do anything in the pool's account. `system_creds`: may make and delete accounts."""
    if state is None or not state.nats_accounts:
        return {"url": state.nats_url if state else None, "creds": None, "system_creds": None, "cells": {}}
    cells = {path.stem: str(path) for path in sorted(folder.admin_creds.glob("*.creds"))}
    return {
        "url": state.nats_url,
        "creds": cells.get("pool"),
        "system_creds": str(folder.system_creds),
        "cells": cells,
    }


def _tenants(folder: "DataFolder", state: "PlatformState | None") -> list[dict[str, Any]]:
    from munshi.provision.tenant_store import TenantStore

    if not folder.tenants.is_dir():
        return []
    return [
        {
            "key": key,
            "name": served.tenant.metadata.name,
            "namespace": served.tenant.metadata.namespace,
            "assistant": served.tenant.spec.assistant.value,
            "phoneNumberIDs": [
                number.phone_number_id for number in served.tenant.spec.whatsapp.phone_numbers
            ],
            "webhookURL": f"{state.endpoints.ingress}/webhooks/whatsapp/{key}" if state else None,
            "ready": state is not None and state.ready,
        }
        for key, served in TenantStore(folder.tenants).load().items()
    ]


def _show(folder: "DataFolder", state: "PlatformState | None", report: dict[str, Any]) -> None:
    from rich.table import Table

    if state is None:
        say(f"not running on {folder.root}; start it with `munshi up`")
        return
    step = f": {state.step}" if state.step else ""
    say(f"{state.phase.value}{step} (data folder {folder.root})")
    processes = Table("process", "pid", "ready", "restarts", "metrics", box=None, header_style="bold")
    for process in report["processes"]:
        ready = "[green]yes[/green]" if process["ready"] else "[red]no[/red]"
        pid = str(process["pid"] or "-")
        processes.add_row(process["name"], pid, ready, str(process["restarts"]), process["metrics"] or "-")
    console().print(processes)
    for process in report["processes"]:
        if process["problem"]:
            console().print(f"[red]{process['name']}[/red]: {process['problem']}", soft_wrap=True)
    from munshi.embedded.engines import described

    engines = Table("engine", "", box=None, header_style="bold")
    for part, text in described(report["engines"]):
        engines.add_row(part, text)
    console().print(engines)
    addresses = Table("address", "", box=None, header_style="bold")
    for name, url in {**report["endpoints"], "nats": report["nats"]["url"]}.items():
        if url:
            addresses.add_row(name, url)
    console().print(addresses)
    tenants = Table("tenant", "assistant", "numbers", "webhook", box=None, header_style="bold")
    for tenant in report["tenants"]:
        title = f"{tenant['namespace']}/{tenant['name']}"
        tenants.add_row(title, tenant["assistant"], ", ".join(tenant["phoneNumberIDs"]), tenant["webhookURL"])
    console().print(tenants)
