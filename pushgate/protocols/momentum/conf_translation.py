"""Translating ``ecelerity.conf`` into a configuration of pushgate, with remarks on what is left out."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from pushgate.model.host_name import is_host_name
from pushgate.protocols.momentum.conf_listening import ListenAddress, listen_address
from pushgate.protocols.momentum.conf_scopes import Domain, domains_of, includes, listeners
from pushgate.protocols.momentum.ecelerity_conf import INCLUDES, Setting, Stanza
from pushgate.protocols.momentum.toml_text import Value, table_text

APPLE: Final = {"gateway.push.apple.com": "production", "gateway.sandbox.push.apple.com": "sandbox"}
"""The environments of Apple's discontinued binary service, which are translated to HTTP/2."""
_CIRCUIT: Final = (
    "the delay of an app's circuit grows with each failure, up to a minute, or an hour if it was blocked"
)
WITHOUT: Final = {
    "connect_timeout": "the timeout is 30 s",
    "retry_interval": _CIRCUIT,
    "max_retry_interval": _CIRCUIT,
    "mx_failures_to_delay": "an app's circuit opens at the third failure of any cause",
    "tls_ciphers": "OpenSSL's defaults, TLS 1.2 and later",
    "tls_verify": "the push service is always verified; `trust` names another authority than the system's",
    "tls": "connections to push services always use TLS",
    "message_expiration": "`expiry` of [gateway] is the longest wait for a push service, 30m by default",
    "max_deliveries_per_connection": "connections are kept as long as they are usable",
}
"""Settings of a domain that are not translated, and the behaviour of pushgate instead."""
_KNOWN: Final = frozenset(
    {
        "delivery_method", "routes", "apn_expiry", "idle_timeout", "delivery_response_timeout",
        "max_outbound_connections", "tls_certificate", "tls_key",
    }
)  # fmt: skip
_LOGGER: Final = ("log_delivery", "log_permfail", "log_tempfail")
_READ: Final = frozenset(
    {
        "binding", "binding_group", "domain", "apn", "apn_logger", "esmtp_listener", "http_listener",
        "restinjector", "httpsrv",
    }
)  # fmt: skip
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")
_DOMAIN: Final = re.compile(r"[^\s@<>*]+", re.ASCII)
_LISTENER: Final = frozenset({"tls_certificate", "tls_key", "mcmt_reception"})
_DEFAULTS: Final = {
    "smtp": ListenAddress("127.0.0.1", 7225),
    "rest-injector": ListenAddress("127.0.0.1", 8081),
}
MOST_CONNECTIONS: Final = 64


class NothingToTranslate(ValueError):
    """There is no domain for Apple."""


class Translation(msgspec.Struct, frozen=True):
    """A translated configuration.

    :param toml: the text of the whole file.
    :param remarks: settings that have no counterpart or need attention, a line each.
    """

    toml: str
    remarks: tuple[str, ...]


def translate(conf: Stanza) -> Translation:
    """Translate a file.

    :raises NothingToTranslate: it has no domain for Apple.
    """
    return _Translator(conf).translate()


class _Translator:
    def __init__(self, conf: Stanza) -> None:
        self._conf = conf
        self._remarks: dict[str, None] = {}  # an ordered set
        self._tables: list[str] = []
        self._names: set[str] = set()
        self._apps: dict[str, str] = {}
        self._lines: dict[str, int] = {}
        self._kinds = Counter[str]()
        self._listening: list[ListenAddress] = []

    def translate(self) -> Translation:
        domains, others = domains_of(self._conf)
        if not domains:
            raise NothingToTranslate('no domain has delivery_method = "apn"')
        for domain in domains:
            self._app(domain)
        for domain in others:
            self._note(
                domain.line,
                f"domain {domain.name}: GCM was discontinued; docs/fcm.md describes its successor",
            )
        self._inputs()
        self._sinks()
        for stanza in self._conf.stanzas:
            if stanza.kind not in _READ:
                self._note(stanza.line, f"{stanza.kind}: not read: it is not about push")
        for each in includes(self._conf):
            self._note(each.line, f"{each.key}: not read; import that file too")
        head = "# Made of an ecelerity.conf. Check it with `pushgate config check`.\n"
        notes = "".join(f"# {_shown(remark)}\n" for remark in self._remarks)
        return Translation("\n".join((head + notes, *self._tables)), tuple(self._remarks))

    def _note(self, line: int, text: str) -> None:
        self._remarks[f"line {line}: {_shown(text)}"] = None

    # apps

    def _app(self, domain: Domain) -> None:
        name = self._name(domain)
        self._lead(domain, name)
        entries: dict[str, Value] = {}
        host, port = self._route(domain)
        if host in APPLE:
            self._apple(domain, APPLE[host], entries)
        else:
            entries |= {"upstream": "apns-stream", "host": host, "port": port, "feedback": False}
            self._stream(domain, entries)
        for key, ours in (("tls_certificate", "certificate"), ("tls_key", "private_key")):
            if path := _first(domain.setting(key)):
                entries[ours] = path
        if "certificate" not in entries:
            self._note(domain.line, f"domain {domain.name}: tls_certificate is missing; the app needs one")
            entries["certificate"] = f"/etc/pushgate/{name}.pem"
        if connections := self._number(domain, "max_outbound_connections", MOST_CONNECTIONS):
            entries["connections"] = connections
        where = f"domain {domain.name}, line {domain.line}"
        self._tables.append(table_text(("apps", name), entries, [where]))
        self._left_out(domain)

    def _name(self, domain: Domain) -> str:
        stem = _NAME.sub("_", domain.name)[:56].strip(".") or "app"
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}-{number}"
        self._names.add(name)
        return name

    def _lead(self, domain: Domain, name: str) -> None:
        """Map the recipients of a domain to an app, or leave them at the first app of this domain."""
        key = domain.name.lower().removesuffix(".")
        if key in self._apps:
            before = f"its recipients belong to {self._apps[key]}, from line {self._lines[key]}"
            self._note(domain.line, f"domain {domain.name}: {before}; {name} gets none")
            return
        if not _DOMAIN.fullmatch(key) or not key.isascii():
            self._note(
                domain.line, f"domain {domain.name}: not a domain of an address; {name} gets no recipients"
            )
        self._apps[key], self._lines[key] = name, domain.line

    def _route(self, domain: Domain) -> tuple[str, int]:
        """Return host and port of the first route; by default those of Apple's production service."""
        setting = domain.setting("routes")
        text = _first(setting) or ""
        try:
            parts = urlsplit(text)
            given = parse_qs(parts.query).get("port", [parts.port or 2195])[0]
            host, port = parts.hostname or "", int(given)
        except ValueError:
            host, port = "", 0
        if not is_host_name(host) or not 0 < port < 65536:
            if setting is not None:
                self._note(
                    setting.line,
                    "routes: not valid, apn://HOST?port=PORT; Apple's production service instead",
                )
            return "gateway.push.apple.com", 2195
        if setting is not None and len(setting.values) > 1:
            self._note(setting.line, "routes: an app has one push service; the first is taken")
        return host, port

    def _apple(self, domain: Domain, environment: str, entries: dict[str, Value]) -> None:
        entries |= {"upstream": "apns-http2", "environment": environment}
        self._note(
            domain.line, f"domain {domain.name}: Apple discontinued the binary service; translated to HTTP/2"
        )
        if (expiry := self._number(domain, "apn_expiry")) is not None:
            entries["default_ttl"] = f"{expiry}s"
        for key, why in (
            ("idle_timeout", "connections over HTTP/2 are kept"),
            ("delivery_response_timeout", "over HTTP/2 each notification is answered"),
        ):
            if (setting := domain.setting(key)) is not None:
                self._note(setting.line, f"{key}: no counterpart; {why}")

    def _stream(self, domain: Domain, entries: dict[str, Value]) -> None:
        if idle := self._number(domain, "idle_timeout"):
            entries["idle_timeout"] = f"{idle}s"
        if wait := self._number(domain, "delivery_response_timeout"):
            entries["response_timeout"] = f"{wait}ms"
        if (setting := domain.setting("apn_expiry")) is not None:
            self._note(setting.line, "apn_expiry: `expiry` of the inputs takes its place")

    def _number(self, domain: Domain, key: str, most: int | None = None) -> int | None:
        """Return a setting as a positive integer, or None."""
        setting = domain.setting(key)
        text = _first(setting)
        if setting is None or text is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", text) or not int(text):
            self._note(setting.line, f"{key}: no whole number above 0; left at its default")
            return None
        if most is not None and int(text) > most:
            self._note(setting.line, f"{key}: {most} at most")
            return most
        return int(text)

    def _left_out(self, domain: Domain) -> None:
        for setting in domain.settings():
            if setting.key not in _KNOWN | INCLUDES:
                self._leave(setting, WITHOUT.get(setting.key))
        for setting in self._conf.settings:
            if setting.key in WITHOUT:
                self._leave(setting, WITHOUT[setting.key])
        for stanza in domain.unread():
            self._note(stanza.line, f"{stanza.kind}: not read")

    def _leave(self, setting: Setting, instead: str | None = None) -> None:
        self._note(setting.line, f"{setting.key}: no counterpart" + (f"; {instead}" if instead else ""))

    # inputs and sinks

    def _inputs(self) -> None:
        for kind, ours in (("esmtp_listener", "smtp"), ("http_listener", "rest-injector")):
            for listener, listen in listeners(self._conf, kind):
                address = self._address(listen, _DEFAULTS[ours])
                if any(address.clashes(each) for each in self._listening):
                    self._note(listen.line, f"listen: {address.endpoint} is already in use; left out")
                else:
                    self._input(ours, address, (listen, listener))
        if not self._listening:
            self._note(1, "no valid listener; the input smtp listens on loopback")
            self._input("smtp", _DEFAULTS["smtp"], ())

    def _address(self, stanza: Stanza, default: ListenAddress) -> ListenAddress:
        address = listen_address(stanza.label)
        if address is None:
            self._note(stanza.line, f"listen: no ADDRESS:PORT; {default.endpoint} instead")
        return address or default

    def _input(self, kind: str, address: ListenAddress, stanzas: tuple[Stanza, ...]) -> None:
        entries: dict[str, Value] = {"type": kind, "listen": address.endpoint}
        for stanza in reversed(stanzas):
            entries |= self._listener(stanza)
        if "certificate" not in entries:
            entries.pop("private_key", None)
        if not address.is_local:
            why = "other machines can reach it; it needs certificate and [principals]"
            self._note(stanzas[0].line, f"{address.endpoint}: {why}")
        self._kinds[kind] += 1
        name = kind if self._kinds[kind] == 1 else f"{kind}-{self._kinds[kind]}"
        self._listening.append(address)
        self._tables.append(table_text(("inputs", name), entries))
        self._tables.append(table_text(("inputs", name, "domains"), dict(self._apps)))

    def _listener(self, stanza: Stanza) -> dict[str, Value]:
        """Return the credentials in a stanza of a listener; note its other settings."""
        if _first(stanza.setting("mcmt_reception")) not in (None, "allow"):
            self._note(stanza.line, "mcmt_reception: always allow; what is no MCMT message is refused")
        for setting in stanza.settings:
            if setting.key not in _LISTENER | INCLUDES:
                self._leave(setting)
        for each in stanza.stanzas:
            if each.kind != "listen":
                self._note(each.line, f"{each.kind}: not read")
        named = (
            (ours, _first(stanza.setting(key)))
            for key, ours in (("tls_certificate", "certificate"), ("tls_key", "private_key"))
        )
        return {ours: path for ours, path in named if path}

    def _sinks(self) -> None:
        loggers = [stanza for stanza in self._conf.stanzas if stanza.kind == "apn_logger"]
        for number, stanza in enumerate(loggers, 1):
            name = "apn_logger" if number == 1 else f"apn_logger-{number}"
            entries: dict[str, Value] = {"type": "apn_logger"}
            entries["path"] = _first(stanza.setting("logfile")) or "/var/log/ecelerity/apnlog.ec"
            entries |= dict(self._logger(stanza))
            self._tables.append(table_text(("sinks", name), entries))

    def _logger(self, stanza: Stanza) -> Iterator[tuple[str, Value]]:
        for setting in stanza.settings:
            text = (_first(setting) or "").lower()
            if setting.key == "heartbeat" and re.fullmatch("[0-9]{1,9}", text):
                yield "heartbeat", f"{text}s"
            elif setting.key in _LOGGER and text in {"true", "false", "yes", "no", "1", "0"}:
                yield setting.key, text in {"true", "yes", "1"}
            elif setting.key not in {"logfile", "enabled"}:
                self._note(setting.line, f"apn_logger, {setting.key}: not translated; see docs/momentum.md")


def _first(setting: Setting | None) -> str | None:
    return setting.values[0] if setting is not None and setting.values else None


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)[:300]
