"""People at the pages: an application on real servers, and visitors who use its forms as browsers do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from parking import db
from parking.db import transaction
from parking.services import staff
from parking.settings import Settings
from tests import factories
from web import create_app

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Site:
    """The application, its database and the passwords of its first accounts."""

    app: Flask
    engine: Engine
    passwords: dict[str, str]

    def visitor(self, language: str = "zh-CN") -> Visitor:
        return Visitor(self, language)

    def signed_in(self, username: str, language: str = "zh-CN") -> Visitor:
        who = self.visitor(language)
        answer = who.sign_in(username, self.passwords[username])
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return who


@dataclass
class Visitor:
    """A browser with its cookies; sends forms with the token of the page they stand on."""

    site: Site
    language: str
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.site.app.test_client()

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept": "text/html,*/*;q=0.5", "Accept-Language": self.language}

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, headers={**self.headers, **more.pop("headers", {})}, **more)

    def send(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Open ``page`` (where the form stands), then post the fields with its token to ``path``."""
        found = _TOKEN.search(self.get(page or path).get_data(as_text=True))
        assert found, f"no form on {page or path}"
        return self.client.post(path, data={"csrf_token": found[1], **fields}, headers=self.headers)

    def sign_in(self, username: str, password: str, **more: str) -> TestResponse:
        return self.send("/sign-in", username=username, password=password, **more)


def open_site(database_url: str, redis_url: str, folder: Path, **settings: Any) -> Site:
    """The pages over the little lot, with first accounts."""
    engine = db.make_engine(database_url)
    now = datetime.now(UTC)
    with transaction(engine) as session:
        factories.lot(session)
        passwords = dict(staff.first_run(session, now))
    app = create_app(Settings(database_url=database_url, redis_url=redis_url, data=folder, **settings))
    return Site(app, engine, passwords)


def close_site(site: Site) -> None:
    site.engine.dispose()
    site.app.extensions["hazpark.engine"].dispose()


def text(answer: TestResponse) -> str:
    """What a reader sees: tags away, entities read, spaces single."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", answer.get_data(as_text=True), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def hidden(answer: TestResponse, name: str) -> str:
    """The value of a field of the page."""
    found = re.search(rf'name="{name}"[^>]*?value="([^"]*)"', answer.get_data(as_text=True))
    assert found, f"no field {name}"
    return unescape(found[1])


def booking_fields(**changes: str) -> dict[str, str]:
    """A well filled booking form, from now for four hours (park time is real time here)."""
    start = datetime.now(UTC) + timedelta(hours=8, minutes=30)  # Beijing time
    n = next(factories._number)
    return {
        "plate": f"晋M{n:05d}",
        "plate_colour": "2",
        "carrier": "运城危货运输有限公司",
        "driver_name": "王师傅",
        "driver_phone": "13800000000",
        "escort_name": "李押运",
        "waybill_no": f"YW{n:08d}",
        "un_number": "1203",
        "mass_kg": "28000",
        "load_state": "loaded",
        "window_start": start.strftime("%Y-%m-%dT%H:%M"),
        "window_end": (start + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M"),
        "idempotency_key": f"key-{n}",
        **changes,
    }
