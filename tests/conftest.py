"""Makes the shared fixtures of `tests/rig` known to every test folder."""

import sys
from pathlib import Path

# Appended, never put first: folders such as `tests/platform` must not hide modules of the standard library.
sys.path.append(str(Path(__file__).parent))

pytest_plugins = ["rig.fixtures"]
