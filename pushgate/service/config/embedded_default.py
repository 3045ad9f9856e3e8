"""The configuration of a gateway that was started without a file."""

from pathlib import Path
from typing import Final

from pushgate.service.config.reader import STATE_DIR, Config, config_from
from pushgate.service.plugin_registry import Registry

DEMO_DEAD: Final = "dead"
"""Tokens that begin so are dead in the embedded default, for trying out what then happens."""


def embedded_default(registry: Registry, state_dir: Path = STATE_DIR) -> Config:
    """An app ``demo`` on a simulator in this process, and inputs on loopback."""
    tree = {
        "gateway": {"state_dir": str(state_dir)},
        "apps": {
            "demo": {
                "upstream": "simulator",
                "response_timeout": "2s",  # the simulator is near: a trial need not wait longer
                "simulator": {"dead": [DEMO_DEAD]},
            }
        },
        "inputs": {
            "amp": {"type": "amp", "listen": "tcp:7215:interface=127.0.0.1"},
            "http": {"type": "http", "listen": "tcp:7216:interface=127.0.0.1", "console": True},
            "line": {"type": "line", "listen": "tcp:7218:interface=127.0.0.1"},
        },
        "sinks": {
            "log": {"type": "log"},
            "ledger": {"type": "ledger"},
            "outcomes": {"type": "jsonl", "path": str(state_dir.absolute() / "outcomes.jsonl")},
            "metrics": {"type": "metrics", "listen": "tcp:7217:interface=127.0.0.1"},
        },
    }
    return config_from(tree, "(the embedded default)", registry)
