"""`munshi apply`, `munshi get tenants`, `munshi delete tenant`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from munshi.cli.options import Data, data_folder
from munshi.cli.output import console, say
from munshi.errors import UserMistake

if TYPE_CHECKING:
    from munshi.embedded.data_folder import DataFolder
    from munshi.provision.tenants import ServedTenant

get_app = typer.Typer(no_args_is_help=True, help="Show what is applied.")
delete_app = typer.Typer(no_args_is_help=True, help="Take away what was applied, or sent.")

_STDIN = Path("-")


def apply(
    files: Annotated[
        list[Path],
        typer.Option(
            "-f",
            "--filename",
            metavar="FILE",
            help="YAML file, folder of them, or - for standard input. May be given again.",
        ),
    ],
    data: Data = None,
) -> None:
    """Apply tenants and their Secrets, live: the same YAML as kubectl takes."""
    from munshi.embedded.live import apply_documents
    from munshi.embedded.state import running_state
    from munshi.provision.documents import read_documents
    from munshi.provision.tenant_store import read_files, tenant_files

    folder = data_folder(data)
    texts: list[tuple[str, str]] = []
    for path in files:
        if path == _STDIN:
            texts.append(("standard input", sys.stdin.read()))
        elif not path.exists():
            raise typer.BadParameter(f"there is no file {path}", param_hint="-f")
        else:
            texts += read_files(tenant_files(path))
    documents = read_documents(texts)
    if not documents.tenants and not documents.secrets:
        raise UserMistake("there is no WhatsAppTenant and no Secret in what was given")
    state = running_state(folder)
    for result in asyncio.run(apply_documents(folder, state, documents)):
        say(f"whatsapptenant {result.title} {result.outcome}")


@get_app.command("tenants")
@get_app.command("tenant", hidden=True)
def get_tenants(
    name: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    namespace: Annotated[
        str | None, typer.Option("-n", "--namespace", help="Only of this namespace.")
    ] = None,
    output: Annotated[
        Literal["table", "json", "yaml"], typer.Option("-o", "--output", help="How to print them.")
    ] = "table",
    data: Data = None,
) -> None:
    """Show the tenants of this machine's platform. Secrets are not shown."""
    from munshi.embedded.state import read_state

    folder = data_folder(data)
    state = read_state(folder)
    ingress = state.endpoints.ingress if state is not None and state.alive else None
    found = [
        one
        for one in _held(folder)
        if (name is None or one.tenant.metadata.name == name)
        and (namespace is None or one.tenant.metadata.namespace == namespace)
    ]
    if name is not None and not found:
        raise UserMistake(f"there is no tenant {name}; `munshi get tenants` lists them")
    if output == "table":
        _print_table(found, ingress)
        return
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [_document(one, ingress) for one in found],
    }
    if output == "json":
        import json

        say(json.dumps(listed, ensure_ascii=False, indent=2))
    else:
        import yaml

        say(yaml.safe_dump(listed, sort_keys=False, allow_unicode=True).rstrip())


@delete_app.command("tenant")
def delete_tenant(
    name: Annotated[str, typer.Argument(help="Its name, or namespace/name.")],
    namespace: Annotated[str | None, typer.Option("-n", "--namespace", help="Its namespace.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
) -> None:
    """Stop serving a tenant. Its deletionPolicy says whether its data is kept (Retain) or erased (Delete)."""
    from munshi.contracts.tenant import DeletionPolicy
    from munshi.embedded.live import delete_served
    from munshi.embedded.state import running_state

    folder = data_folder(data)
    state = running_state(folder)
    served = held_tenant(folder, name, namespace)
    erased = served.tenant.spec.deletion_policy is DeletionPolicy.DELETE
    what = "all its data is erased for good" if erased else "its data is kept (deletionPolicy Retain)"
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete tenant {served.title}? It is no longer served, and {what}.", abort=True)
    asyncio.run(delete_served(folder, state, served))
    say(f"whatsapptenant {served.title} deleted; {what}")


def _held(folder: "DataFolder") -> "list[ServedTenant]":
    from munshi.provision.tenant_store import TenantStore

    return list(TenantStore(folder.tenants).load().values()) if folder.tenants.is_dir() else []


def held_tenant(folder: "DataFolder", name: str, namespace: str | None) -> "ServedTenant":
    """The tenant of this name, or `namespace/name`.

    Raises:
        UserMistake: there is none, or several in different namespaces.
    """
    if "/" in name and namespace is None:
        namespace, _, name = name.partition("/")
    found = [
        one
        for one in _held(folder)
        if one.tenant.metadata.name == name and namespace in (None, one.tenant.metadata.namespace)
    ]
    if not found:
        place = f" in namespace {namespace}" if namespace else ""
        raise UserMistake(f"there is no tenant {name}{place}; `munshi get tenants` lists them")
    if len(found) > 1:
        titles = ", ".join(one.title for one in found)
        raise UserMistake(f"several tenants are called {name}: {titles}; say which with --namespace")
    return found[0]


def _document(one: "ServedTenant", ingress: str | None) -> dict[str, Any]:
    from munshi.provision.tenants import tenant_document

    document = tenant_document(one.tenant)
    document["metadata"]["generation"] = one.generation
    if one.created is not None:
        document["metadata"]["creationTimestamp"] = f"{one.created:%Y-%m-%dT%H:%M:%SZ}"
    document["status"] = {"observedGeneration": one.generation}
    if ingress:
        document["status"]["webhookURL"] = f"{ingress}/webhooks/whatsapp/{one.key}"
    return document


def _print_table(found: "list[ServedTenant]", ingress: str | None) -> None:
    from rich.table import Table

    if not found:
        say("no tenants")
        return
    table = Table(
        "namespace", "name", "assistant", "isolation", "numbers", "webhook", box=None, header_style="bold"
    )
    for one in found:
        spec = one.tenant.spec
        table.add_row(
            one.tenant.metadata.namespace,
            one.tenant.metadata.name,
            spec.assistant.value,
            spec.isolation.value,
            ", ".join(number.phone_number_id for number in spec.whatsapp.phone_numbers),
            f"{ingress}/webhooks/whatsapp/{one.key}" if ingress else "not running",
        )
    console().print(table)
