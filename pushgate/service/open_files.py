"""The limit of open files: raised at the start, and never used up by the callers alone.

A connection is an open file. Without a reserve, idle callers could take all there are, and the gateway could
neither connect to a push service nor open a file.
"""

import os
import resource
from typing import Any, Final

from twisted.logger import Logger

from pushgate.plugin.settings import ListeningTable
from pushgate.service.config.reader import Config

AMPLE: Final = 65536
"""Open files that are always asked for; the system may have a lower bound."""
PROCESS: Final = 32
"""Files of the process itself: its spool, log, reactor and threads, listening ports, names being resolved."""
APP: Final = 3
"""Files of an app beside its connections: the feedback service, and what a reload replaces."""
SINK: Final = 4
"""Files of a sink: a file or a database, one or two connections."""


class OpenFiles:
    """Says when inputs must refuse connections, so that push services and sinks have files to open.

    :ivar reserve: files that inputs leave to the others.
    """

    log = Logger()

    def __init__(self) -> None:
        self.reserve = PROCESS
        self._probe, end = os.pipe()
        os.close(end)

    def fit(self, config: Config) -> None:
        """Raise the limit as far as the system allows; warn when the configuration may want more.

        To be called for each configuration that is to run.
        """
        self.reserve, callers = needed(config), most_callers(config)
        limit = _raised(max(AMPLE, callers + self.reserve))
        if limit is None:
            return
        if callers + self.reserve > limit:
            self.log.warn(
                "the limit of open files is {limit}: inputs may have {callers} connections "
                "(max_connections), and {reserve} files are for all else; raise the limit (LimitNOFILE=, "
                "ulimit -n) or lower max_connections. Inputs refuse connections beyond {left}",
                limit=limit,
                callers=callers,
                reserve=self.reserve,
                left=limit - self._kept(limit),
            )

    def scarce(self) -> bool:
        """Whether so many files are open that what is left is the reserve."""
        most = file_limit()
        if most is None:
            return False
        try:
            lowest = os.dup(self._probe)  # the system gives the lowest number that is free
        except OSError:
            return True
        os.close(lowest)
        return lowest >= most - self._kept(most)

    def _kept(self, limit: int) -> int:
        """The reserve under a limit: callers always have half of all files."""
        return min(self.reserve, limit // 2)


def needed(config: Config) -> int:
    """Files that a gateway with this configuration needs, those of callers not counted."""
    apps = sum(
        (_number(table, "most_connections") or _number(table, "connections") + _number(table, "spare")) + APP
        for _, table in config.apps.values()
    )
    sinks = sum(_number(table, "max_connections") + SINK for _, table in config.sinks.values())
    return PROCESS + apps + sinks


def most_callers(config: Config) -> int:
    """Connections that the inputs of a configuration may have together."""
    return sum(
        _number(table, "max_connections") * len(table.endpoints())
        for _, table in config.inputs.values()
        if isinstance(table, ListeningTable)
    )


def _number(table: Any, key: str) -> int:
    found = getattr(table, key, 0)
    return found if isinstance(found, int) else 0


def file_limit() -> int | None:
    """The limit of open files, None when there is none."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _raised(wanted: int) -> int | None:
    """Raise the limit to `wanted`, or as far as it goes; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if resource.RLIM_INFINITY != soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):  # some systems have bounds beside the hard limit
            return soft
    return file_limit()
