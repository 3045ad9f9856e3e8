"""Running a command that talks over the network."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

from pushgate.cli.output import drop_log, fail
from pushgate.model.errors import CannotStart, PushgateError, Refusal

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C ended: what shells use for that signal."""


def run(main: Callable[[Any], Coroutine[Any, Any, None]]) -> NoReturn:
    """Run `main`, which is given the reactor, and end the process.

    A `PushgateError` that comes out of it becomes a line on stderr, with exit status 1. Ctrl-C cancels it
    and waits until it has cleaned up.
    """
    from twisted.internet import defer, task

    def start(reactor: Any) -> "defer.Deferred[None]":
        running = defer.Deferred.fromCoroutine(_guarded(main, reactor))

        def cancel() -> "defer.Deferred[None]":
            ended: defer.Deferred[None] = defer.Deferred()
            running.addBoth(_passed_on, ended)
            running.cancel()
            return ended

        reactor.addSystemEventTrigger("before", "shutdown", cancel)
        # The terminal was closed.
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))
        return running

    drop_log()
    task.react(start)


async def _guarded(main: Callable[[Any], Coroutine[Any, Any, None]], reactor: Any) -> None:
    """Run `main`; every way in which it may fail becomes an exit status, and a word on stderr."""
    from twisted.internet.defer import CancelledError

    try:
        await main(reactor)
    except CancelledError:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        # Who read our output has seen enough. Python itself would complain once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except CannotStart as error:
        fail(error.faults)
    except Refusal as refusal:
        fail([f"refused, {refusal.code}: {refusal}"])
    except PushgateError as error:
        fail([str(error)])
    except click.ClickException as error:  # a file that is opened when the first line is written
        fail([error.format_message()])
    except Exception:  # noqa: BLE001 - a defect: the log, where it would otherwise end, is not shown
        traceback.print_exc()
        raise SystemExit(70) from None


def _passed_on(result: Any, ended: Any) -> Any:
    ended.callback(None)
    return result
