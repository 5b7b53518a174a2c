"""One frozen Settings, read from the environment once, at the entry points."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from parking.speech import N_


class SettingWrong(ValueError):
    """A setting cannot be used: ``sentence`` (an English message id) with ``facts`` says why."""

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence.format(**facts))
        self.sentence = sentence
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator may change. Each field is read from the variable named in ``ENV``."""

    database_url: str = ""  # empty: the supervisor starts its own PostgreSQL and fills it in
    redis_url: str = ""  # empty: the supervisor starts its own Valkey
    data: Path = Path("var")
    host: str = "127.0.0.1"
    web_port: int = 8080
    live_port: int = 8081
    gateway_port: int = 8808
    public_url: str = ""  # e.g. https://park.example; empty: http://host:web_port
    live_url: str = ""  # where browsers reach the event stream; empty: same host, live_port
    secret_key: str = ""  # empty: a random one kept in the data folder
    secure_cookies: str = "auto"  # auto: on when public_url is https
    behind_proxy: bool = False  # one reverse proxy in front sets X-Forwarded-For, -Proto and -Host
    park: Path = Path("fixtures/park")
    demo: bool = True
    clock_file: str = ""  # demo clock, set by the supervisor for its own demo installation only
    terminal_enrolment: str = "open"  # open | known
    terminal_relays: str = ""  # networks whose connections carry many terminals each, with commas between
    language: str = "zh"
    log_level: str = "INFO"
    fix_partition: str = "day"  # day: a park; hour, 10min: a fleet of many thousands
    pack_after_h: int = 6  # hours from a partition's end to its packing (assumption)
    # How long what is kept, days; never below the law's least (see services/retention for the sources).
    keep_fixes_days: int = 183
    keep_violations_days: int = 1096
    keep_bookings_days: int = 366
    keep_logs_days: int = 183

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read every setting. Raises SettingWrong naming the variable that cannot be used."""
        given: dict[str, Any] = {
            f.name: _read(f.name, f.type, env[ENV[f.name]]) for f in fields(cls) if ENV[f.name] in env
        }
        return cls(**given)

    @property
    def relay_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.terminal_relays)

    @property
    def cookies_secure(self) -> bool:
        if self.secure_cookies == "auto":
            return self.public_url.startswith("https://")
        return self.secure_cookies == "on"


#: Field → environment variable. The two addresses keep the names operators know.
ENV: Mapping[str, str] = {
    **{f.name: f"HAZPARK_{f.name.upper()}" for f in fields(Settings)},
    "database_url": "DATABASE_URL",
    "redis_url": "REDIS_URL",
}

_WRONG_CHOICE = N_("{setting}={given}: expected one of {choices}.")
_WRONG_PORT = N_("{setting}={given}: expected a port number from 1 to 65535.")
_WRONG_NETWORKS = N_("{setting}={given}: expected networks such as 10.1.0.0/16, separated by commas.")
_WRONG_SWITCH = N_("{setting}={given}: expected 1 or 0.")
_WRONG_NUMBER = N_("{setting}={given}: expected a whole number from {least} to {most}.")

_CHOICES = {
    "secure_cookies": ("auto", "on", "off"),
    "terminal_enrolment": ("open", "known"),
    "language": ("zh", "en"),
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "fix_partition": ("day", "hour", "10min"),
}
#: (least, most) of numbers that are no ports.
_NUMBERS = {
    "pack_after_h": (1, 720),
    "keep_fixes_days": (183, 36_500),
    "keep_violations_days": (1096, 36_500),
    "keep_bookings_days": (366, 36_500),
    "keep_logs_days": (183, 36_500),
}


def _read(name: str, kind: object, text: str) -> object:
    if name in _CHOICES and text not in _CHOICES[name]:
        raise SettingWrong(_WRONG_CHOICE, setting=ENV[name], given=text, choices=", ".join(_CHOICES[name]))
    if name in _NUMBERS:
        return _number(name, text, *_NUMBERS[name])
    if name == "terminal_relays":
        return _relays(name, text)
    if kind == "int":
        return _port(name, text)
    if kind == "bool":
        return _switch(name, text)
    return Path(text) if kind == "Path" else text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _relays(name: str, text: str) -> str:
    try:
        _networks(text)
    except ValueError:
        raise SettingWrong(_WRONG_NETWORKS, setting=ENV[name], given=text) from None
    return text


def _port(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingWrong(_WRONG_PORT, setting=ENV[name], given=text)
    return int(text)


def _number(name: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
        raise SettingWrong(_WRONG_NUMBER, setting=ENV[name], given=text, least=least, most=most)
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text.lower() not in ("1", "0", "on", "off", "true", "false", "yes", "no"):
        raise SettingWrong(_WRONG_SWITCH, setting=ENV[name], given=text)
    return text.lower() in ("1", "on", "true", "yes")
