"""Browsers get exactly the files that were reviewed, and nothing else of those packages."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from parking.settings import Settings
from web import assets, create_app


@pytest.fixture
def client(tmp_path: Path):
    return create_app(Settings(data=tmp_path)).test_client()


@pytest.mark.parametrize("key", assets.PINS, ids="/".join)
def test_each_vendor_file_is_the_reviewed_one(client, key):
    answer = client.get(f"/assets/{key[0]}/{key[1]}")
    assert answer.status_code == 200
    assert hashlib.sha256(answer.data).hexdigest() == assets.PINS[key].sha256
    assert answer.mimetype == assets.PINS[key].mimetype


def test_a_file_asked_for_by_its_hash_is_kept_for_ever_and_sent_small(client):
    with client.application.test_request_context():
        address = assets.asset("htmx", "htmx.min.js")
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(answer.data) < 20_000
    assert (
        hashlib.sha256(gzip.decompress(answer.data)).hexdigest() == assets.PINS["htmx", "htmx.min.js"].sha256
    )


def test_a_file_asked_for_without_its_hash_is_asked_for_again(client):
    answer = client.get("/assets/htmx/htmx.min.js")
    assert "immutable" not in answer.headers["Cache-Control"]
    again = client.get("/assets/htmx/htmx.min.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/assets/htmx/ext/sse.js",
        "/assets/htmx/htmx.js",
        "/assets/leaflet/leaflet-src.js",
        "/assets/htmx/../../../../etc/passwd",
        "/assets/htmx/%2e%2e/%2e%2e/apps.py",
        "/assets/flask/__init__.py",
        "/static/../errors.py",
        "/static/%2e%2e/errors.py",
    ],
)
def test_no_other_file_is_reachable(client, path):
    assert client.get(path).status_code == 404


def test_an_application_whose_package_holds_other_bytes_refuses_to_start(monkeypatch, tmp_path):
    wrong = replace(assets.PINS["htmx", "htmx.min.js"], sha256="0" * 64)
    monkeypatch.setattr(assets, "PINS", {("htmx", "htmx.min.js"): wrong})
    with pytest.raises(assets.WrongBytes, match=r"htmx\.min\.js"):
        create_app(Settings(data=tmp_path))


def test_what_the_leaflet_stylesheet_asks_for_is_served(client):
    css = client.get("/assets/leaflet/leaflet.css").get_data(as_text=True)
    wanted = set(re.findall(r"url\(([^)#]+)\)", css))
    assert wanted
    for file in wanted:
        assert client.get(f"/assets/leaflet/{file}").status_code == 200


def test_every_vendor_package_stands_in_the_licence_file():
    notice = (Path(assets.__file__).parents[1] / "THIRD_PARTY.md").read_text()
    for package in ("XStatic-Leaflet 1.9.3.0", "django-js-lib-htmx 2.0.3.1"):
        assert package in notice


def test_our_own_files_name_no_address_elsewhere():
    for file in (Path(assets.__file__).parent / "static").iterdir():
        foreign = re.findall(r"""(?:url\(|["'])\s*(?:https?:)?//[^\s"')]+""", file.read_text())
        assert not [one for one in foreign if "www.w3.org" not in one], file.name
