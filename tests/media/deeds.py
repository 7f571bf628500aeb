"""What worker processes are told to do; a module of its own, since they import it."""

import os
import signal
import time

from munshi.contracts.media import Refusal
from munshi.files.kinds import FileRefused


def sleeps(seconds: float) -> int:
    """Gives back the process's id after a while."""
    time.sleep(seconds)
    return os.getpid()


def dies() -> None:
    """As by the system's want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuses() -> None:
    """As an examination does."""
    raise FileRefused(Refusal.TOO_MANY_PAGES, "21 pages")
