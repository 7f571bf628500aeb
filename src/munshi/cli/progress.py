"""What `munshi up` shows while it starts, and the addresses at the end."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from munshi.cli.output import console, say

if TYPE_CHECKING:
    from rich.status import Status

    from munshi.embedded.data_folder import DataFolder
    from munshi.embedded.state import PlatformState


class Progress:
    """Steps, each with its time: a spinner on a terminal, plain lines otherwise."""

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain or not sys.stdout.isatty()
        self._spinner: Status | None = None
        self._step = ""
        self._since = self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the spinner away."""
        self._end_spinner()

    def step(self, text: str) -> None:
        """The step that begins now; ends the one before."""
        if text == self._step:
            return
        self._finish_step()
        self._step, self._since = text, time.monotonic()
        if self._plain:
            say(f"{text} …")
        else:
            self._spinner = console().status(f"{text} …")
            self._spinner.start()

    def done(self) -> None:
        """All steps are done."""
        self._finish_step()
        self._step = ""
        say(f"ready after {time.monotonic() - self._began:.1f} s")

    def _finish_step(self) -> None:
        self._end_spinner()
        if self._step and not self._plain:
            console().print(
                f"[green]✓[/green] {self._step} [dim]{time.monotonic() - self._since:.1f} s[/dim]"
            )

    def _end_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def show_addresses(state: "PlatformState", data: "DataFolder", hint: str) -> None:
    """Where everything is; the emulator's page first."""
    from munshi.embedded.engines import described, found_engines
    from munshi.provision.tenant_store import TenantStore

    names = [one.tenant.spec.display_name for one in TenantStore(data.tenants).load().values()]
    rows = [
        ("WhatsApp page", f"{state.endpoints.emulator}/" if state.endpoints.emulator else ""),
        ("Webhooks", f"{state.endpoints.ingress}/webhooks/whatsapp/{{tenant}}"),
        ("Graph API", state.graph_url),
        ("Tenants", ", ".join(names) or "none yet: munshi apply -f FILE"),
        ("Data", str(data.root)),
        *((f"Engine {part}", text) for part, text in described(found_engines(state))),
    ]
    rows = [(name, value) for name, value in rows if value]
    if not sys.stdout.isatty():
        widest = max(len(name) for name, _ in rows) + 1
        for name, value in rows:
            say(f"{name + ':':<{widest}} {value}")
        say(hint)
        return
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for position, (name, value) in enumerate(rows):
        table.add_row(f"[bold]{name}[/bold]", f"[bold cyan]{value}[/bold cyan]" if position == 0 else value)
    table.add_row("", f"[dim]{hint}[/dim]")
    console().print(Panel(table, title="Munshi is running", title_align="left", expand=False))
