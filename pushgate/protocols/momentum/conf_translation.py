"""Translating ``ecelerity.conf`` into a configuration of pushgate, and saying what has no counterpart."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from pushgate.protocols.momentum.conf_scopes import Domain, domains_of, listeners
from pushgate.protocols.momentum.ecelerity_conf import Setting, Stanza
from pushgate.protocols.momentum.toml_text import Value, table_text

APPLE: Final = {"gateway.push.apple.com": "production", "gateway.sandbox.push.apple.com": "sandbox"}
"""The environments of Apple's binary service, which is no more; HTTP/2 takes its place."""
_CIRCUIT: Final = (
    "an app's circuit waits longer after each failure: up to a minute, or an hour if it was blocked"
)
WITHOUT: Final = {
    "connect_timeout": "an attempt takes 30 s at most",
    "retry_interval": _CIRCUIT,
    "max_retry_interval": _CIRCUIT,
    "mx_failures_to_delay": "an app's circuit opens at the third failure, whatever its cause",
    "tls_ciphers": "OpenSSL's defaults, TLS 1.2 and later",
    "tls_verify": "the push service is always verified; `trust` names another authority than the system's",
    "tls": "a push service is reached over TLS, always",
    "message_expiration": "`expiry` of [gateway] is the longest wait for a push service, 30m by default",
    "max_deliveries_per_connection": "connections are kept as long as they are of use",
}
"""Settings of a domain that are not translated, and what there is in their place."""
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
_PORT: Final = re.compile(r"(?P<host>.*):(?P<port>[0-9]{1,5})")
MOST_CONNECTIONS: Final = 64


class NothingToTranslate(ValueError):
    """There is no domain for Apple."""


class Translation(msgspec.Struct, frozen=True):
    """What became of a configuration.

    :param toml: the whole file.
    :param remarks: what has no counterpart, or has to be looked at, a line each.
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
        self._remarks: list[str] = []
        self._tables: list[str] = []
        self._apps: dict[str, str] = {}

    def translate(self) -> Translation:
        domains, others = domains_of(self._conf)
        if not domains:
            raise NothingToTranslate('no domain has delivery_method = "apn"')
        for domain in domains:
            self._app(domain)
        for domain in others:
            self._note(domain.line, f"domain {domain.name}: GCM is no more; docs/fcm.md has what is")
        self._inputs()
        self._sinks()
        for stanza in self._conf.stanzas:
            if stanza.kind not in _READ:
                self._note(stanza.line, f"{stanza.kind}: not read, no part of pushes")
        for each in self._conf.settings:
            if each.key in {"include", "readonly_include", "include_once"}:
                self._note(each.line, f"{each.key}: not read; import that file too")
        head = "# Made of an ecelerity.conf. Check it with `pushgate config check`.\n"
        notes = "".join(f"# {_shown(remark)}\n" for remark in self._remarks)
        return Translation("\n".join((head + notes, *self._tables)), tuple(self._remarks))

    def _note(self, line: int, text: str) -> None:
        self._remarks.append(f"line {line}: {_shown(text)}")

    # apps

    def _app(self, domain: Domain) -> None:
        name = self._name(domain)
        self._apps[domain.name.lower().removesuffix(".")] = name
        entries: dict[str, Value] = {}
        host, port = self._route(domain)
        if host in APPLE:
            self._apple(domain, APPLE[host], entries)
        else:
            entries |= {"upstream": "apns-stream", "host": host, "port": port, "feedback": False}
            self._stream(domain, entries)
        for key, ours in (("tls_certificate", "certificate"), ("tls_key", "private_key")):
            if (path := _first(domain.setting(key))) is not None:
                entries[ours] = path
        if "certificate" not in entries:
            self._note(domain.line, f"domain {domain.name}: tls_certificate is missing; the app needs one")
            entries["certificate"] = f"/etc/pushgate/{name}.pem"
        connections = self._number(domain, "max_outbound_connections")
        if connections:
            entries["connections"] = min(connections, MOST_CONNECTIONS)
        where = f"domain {domain.name}, line {domain.line}"
        self._tables.append(table_text(("apps", name), entries, [where]))
        self._left_out(domain)

    def _name(self, domain: Domain) -> str:
        stem = _NAME.sub("_", domain.name)[:56].strip(".") or "app"
        name, number = stem, 1
        while name in self._apps.values():
            number += 1
            name = f"{stem}-{number}"
        return name

    def _route(self, domain: Domain) -> tuple[str, int]:
        """Host and port of the first route; Apple's production service without one."""
        setting = domain.setting("routes")
        text = _first(setting) or ""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", int(parse_qs(parts.query).get("port", ["2195"])[0])
        except ValueError:
            host, port = "", 0
        if not host or not host.isascii() or not 0 < port < 65536:
            if setting is not None:
                self._note(setting.line, "routes: none that is understood; Apple's production service")
            return "gateway.push.apple.com", 2195
        if setting is not None and len(setting.values) > 1:
            self._note(setting.line, "routes: an app has one push service; the first is taken")
        return host, port

    def _apple(self, domain: Domain, environment: str, entries: dict[str, Value]) -> None:
        entries |= {"upstream": "apns-http2", "environment": environment}
        self._note(
            domain.line, f"domain {domain.name}: Apple's binary service is no more; HTTP/2 in its place"
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

    def _number(self, domain: Domain, key: str) -> int | None:
        setting = domain.setting(key)
        text = _first(setting)
        if setting is None or text is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", text):
            self._note(setting.line, f"{key}: no whole number; left at its default")
            return None
        return int(text)

    def _left_out(self, domain: Domain) -> None:
        for setting in domain.settings():
            if setting.key in WITHOUT:
                self._note(setting.line, f"{setting.key}: no counterpart; {WITHOUT[setting.key]}")
            elif setting.key not in _KNOWN:
                self._note(setting.line, f"{setting.key}: no counterpart")

    # inputs and sinks

    def _inputs(self) -> None:
        found = False
        for kind, ours, default in (
            ("esmtp_listener", "smtp", "tcp:7225:interface=127.0.0.1"),
            ("http_listener", "rest-injector", "tcp:8081:interface=127.0.0.1"),
        ):
            for number, (listener, listen) in enumerate(listeners(self._conf, kind), 1):
                found = True
                name = ours if number == 1 else f"{ours}-{number}"
                self._input(name, ours, self._listen(listen, default), (listen, listener))
        if not found:
            self._note(1, "no listener that is understood; the input smtp listens on this machine alone")
            self._input("smtp", "smtp", "tcp:7225:interface=127.0.0.1", ())

    def _input(self, name: str, kind: str, listen: str, stanzas: tuple[Stanza, ...]) -> None:
        entries: dict[str, Value] = {"type": kind, "listen": listen}
        for stanza in reversed(stanzas):
            for key, ours in (("tls_certificate", "certificate"), ("tls_key", "private_key")):
                if (path := _first(stanza.setting(key))) is not None:
                    entries[ours] = path
            reception = stanza.setting("mcmt_reception")
            if _first(reception) not in (None, "allow"):
                self._note(stanza.line, "mcmt_reception: always allow; what is no MCMT message is refused")
        if "private_key" in entries and "certificate" not in entries:
            del entries["private_key"]
        if not listen.startswith("unix:") and "interface=127." not in listen:
            line = stanzas[0].line if stanzas else 1
            self._note(line, f"{listen}: other machines can reach it; it needs certificate and [principals]")
        self._tables.append(table_text(("inputs", name), entries))
        self._tables.append(table_text(("inputs", name, "domains"), dict(self._apps)))

    def _listen(self, stanza: Stanza, default: str) -> str:
        match = _PORT.fullmatch(stanza.label)
        if match is None or not 0 < int(match["port"]) < 65536:
            self._note(stanza.line, f"listen: no HOST:PORT; {default} instead")
            return default
        host = match["host"].strip("[]")
        if host in {"", "*"}:
            return f"tcp:{match['port']}"
        try:
            address = ip_address(host)
        except ValueError:
            self._note(stanza.line, f"listen: no address; {default} instead")
            return default
        if address.version == 6:
            return f"tcp6:{match['port']}:interface={str(address).replace(':', chr(92) + ':')}"
        return f"tcp:{match['port']}:interface={address}"

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
