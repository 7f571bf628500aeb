"""The media service, killed with -9 at one step of its work: before or after the n-th call to the outside.

Run by tests in the place of `munshi_media`. It is armed by a file, `kill` in the folder of the engines, with
`before N` or `after N`: from then on N steps are counted. Steps are all calls to the object store, the
download and the reading.
"""

import functools
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from munshi.objects import TenantObjects
from munshi_media import main
from munshi_media.fetch import Fetcher
from munshi_media.reading import Reader

_file = Path(os.environ["MUNSHI_TEST_ENGINES"]) / "kill"
_armed: list[Any] = []


def _die(step: str) -> None:
    _file.with_name("killed").write_text(step)
    os.kill(os.getpid(), signal.SIGKILL)


def _step(cls: type, name: str) -> None:
    method: Callable[..., Awaitable[Any]] = getattr(cls, name)

    @functools.wraps(method)
    async def counted(*arguments: Any, **named: Any) -> Any:
        if _file.exists():
            when, _, number = _file.read_text().partition(" ")
            _file.unlink()
            _armed[:] = [when, int(number)]
        mine = False
        if _armed:
            _armed[1] -= 1
            mine = _armed[1] == 0
        if mine and _armed[0] == "before":
            _die(name)
        result = await method(*arguments, **named)
        if mine and _armed[0] == "after":
            _die(name)
        return result

    setattr(cls, name, counted)


for _store_call in ("get_or_none", "find", "put"):
    _step(TenantObjects, _store_call)
_step(Fetcher, "fetch")
_step(Reader, "read")

if __name__ == "__main__":
    main.run()
