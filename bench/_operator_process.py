"""The operator's own program with an outside that answers at once: what is measured is the cluster's side."""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from munshi.telemetry import configure
from munshi_operator.main import run_replica
from munshi_operator.settings import OperatorSettings
from munshi_operator.types import OutsideReport, Served
from rig.outside_memory import OK, MemoryOutside


class AtOnce(MemoryOutside):
    """Answers, and keeps nothing: memory is the operator's own."""

    async def ensure(self, want: Served) -> OutsideReport:
        """See `Outside`."""
        return OutsideReport(OK, OK, OK, f"{want.cell}", ())


if __name__ == "__main__":
    settings = OperatorSettings()
    configure("operator", settings.log_level)
    sys.exit(0 if asyncio.run(run_replica(settings, AtOnce(), None)) else 1)
