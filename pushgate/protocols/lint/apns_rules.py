"""Rules about several fields of ``aps`` at a time, a row each."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from pushgate.protocols.lint.apns_fields import LIVE_KEYS
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value

_SHOWN: Final = ("alert", "badge", "sound")
_ALERTS: Final = frozenset({"alert"})
_LIVE: Final = frozenset({"liveactivity"})
_SILENT: Final = frozenset({"background"})
_CHANGES: Final = frozenset({"widgets", "controls"})


class Push(msgspec.Struct, frozen=True):
    """A notification of Apple's.

    :param aps: an object.
    """

    push_type: str
    root: Value
    aps: Value
    draft: Draft

    def has(self, *names: str) -> bool:
        """Whether ``aps`` has one of these."""
        return any(name in self.aps.members for name in names)

    def is_event(self, word: str) -> bool:
        """Whether the event of a Live Activity is this one."""
        value = self.aps.members.get("event")
        return value is not None and value.found == word

    def is_no_event(self, word: str) -> bool:
        """Whether it is another one, or there is none."""
        value = self.aps.members.get("event")
        return value is None or (value.kind is not Kind.OPEN and value.found != word)

    def found(self, *names: str) -> list[Value]:
        """Those of these members of ``aps`` that are there."""
        return [self.aps.members[name] for name in names if name in self.aps.members]

    def unless(self, *names: str) -> list[Value]:
        """``aps``, when it has none of these."""
        return [] if self.has(*names) else [self.aps]

    def in_alert(self, name: str, needs: str) -> list[Value]:
        """This member of the alert, when it is without another."""
        alert = self.aps.members.get("alert")
        if alert is None or name not in alert.members or needs in alert.members:
            return []
        return [alert.members[name]]


class Rule(msgspec.Struct, frozen=True):
    """One rule.

    :param breaks: the values that break it; none when it holds.
    :param what: what is wrong, and why.
    :param advice: what to write instead.
    :param types: the push types that it is about; None: all.
    """

    grade: Grade
    breaks: Callable[[Push], list[Value]]
    what: str
    advice: str
    types: frozenset[str] | None = None

    def flaws(self, read: JSONText, push: Push) -> Iterator[Flaw]:
        """A flaw for each value that breaks it."""
        if self.types is None or push.push_type in self.types:
            for value in self.breaks(push):
                yield read.flaw(self.grade, value, self.what, self.advice, of_key=True)


_E, _W = Grade.ERROR, Grade.WARNING
RULES: Final = (
    # alert
    Rule(_W, lambda push: push.unless("alert", "badge", "sound", "content-available", *LIVE_KEYS),
         "nothing in it is shown, heard or handed to the app",
         'an alert: {"aps": {"alert": {"title": "…", "body": "…"}}}', _ALERTS),
    Rule(_W, lambda push: push.found("content-available") if push.unless(*_SHOWN) else [],
         "the push type is alert, and there is nothing to show: Apple may hold it up or drop it",
         "push type background with priority 5, or an alert", _ALERTS),
    Rule(_W, lambda push: push.found(*LIVE_KEYS),
         "a key of Live Activities, and the push type is another",
         "event and content-state together, and push type liveactivity",
         _ALERTS | _SILENT | _CHANGES),
    Rule(_W, lambda push: push.found("mutable-content") if push.unless("alert") else [],
         "without an alert the app's service extension is not run",
         "an alert, which the extension may then change"),
    Rule(_W, lambda push: push.in_alert("loc-args", "loc-key"),
         "there is no loc-key for which these are", "loc-key beside it"),
    Rule(_W, lambda push: push.in_alert("title-loc-args", "title-loc-key"),
         "there is no title-loc-key for which these are", "title-loc-key beside it"),
    Rule(_W, lambda push: push.in_alert("subtitle-loc-args", "subtitle-loc-key"),
         "there is no subtitle-loc-key for which these are", "subtitle-loc-key beside it"),
    # background
    Rule(_E, lambda push: push.unless("content-available"),
         "background without content-available: the app is not woken",
         '{"aps": {"content-available": 1}}', _SILENT),
    Rule(_E, lambda push: push.found(*_SHOWN),
         "a background notification shows and plays nothing: Apple refuses, delays or drops it",
         "take it away, or use push type alert", _SILENT),
    Rule(_W, lambda push: push.found("interruption-level", "relevance-score", "category", "thread-id"),
         "it is about what is shown, and a background notification shows nothing",
         "take it away, or use push type alert", _SILENT),
    # widgets and controls
    Rule(_E, lambda push: push.unless("content-changed"),
         "no content-changed: nothing is loaded anew", '{"aps": {"content-changed": true}}', _CHANGES),
    # Live Activities
    Rule(_E, lambda push: push.unless("event"),
         "no event: a Live Activity is started, updated or ended by it",
         'event, one of "start", "update", "end"', _LIVE),
    Rule(_E, lambda push: push.unless("timestamp"),
         "no timestamp: the device drops what is older than what it has, and what has none",
         "timestamp, Unix seconds of now", _LIVE),
    Rule(_E, lambda push: push.unless("content-state") if push.is_no_event("end") else [],
         "no content-state: there is nothing to show",
         "content-state, as the app's ContentState is encoded", _LIVE),
    Rule(_E, lambda push: push.unless("attributes-type") if push.is_event("start") else [],
         "a start needs attributes-type", "attributes-type, the name of the app's ActivityAttributes", _LIVE),
    Rule(_E, lambda push: push.unless("attributes") if push.is_event("start") else [],
         "a start needs attributes", "attributes, as the app's ActivityAttributes are encoded", _LIVE),
    Rule(_E, lambda push: push.unless("alert") if push.is_event("start") else [],
         "a start needs an alert, which tells the user", "alert with title and body", _LIVE),
    Rule(_W, lambda push: push.found("dismissal-date") if push.is_no_event("end") else [],
         "only an end is dismissed", 'event "end", or no dismissal-date', _LIVE),
    Rule(_W, lambda push: push.found("attributes-type", "attributes") if push.is_no_event("start") else [],
         "only a start has attributes", 'event "start", or take it away', _LIVE),
    Rule(_E, lambda push: push.found("event") if push.draft.channel and push.is_event("start") else [],
         "a broadcast cannot start an activity", "start it per device, update it by the channel", _LIVE),
)  # fmt: skip
"""Every rule. What single fields may be is in `apns_fields`."""
