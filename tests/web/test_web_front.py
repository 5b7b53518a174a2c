"""The front door: headers, languages, errors."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest

from parking.settings import Settings
from tests.visitors import Site, text
from web import create_app, security

PAGES = ["/", "/book", "/my", "/sign-in", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_forbids_inline_and_foreign_code(site: Site, path: str):
    answer = site.visitor().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
    assert "unsafe" not in policy
    assert "connect-src 'self' http://localhost:8081" in policy
    for part in ("frame-ancestors 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_carries_inline_code_or_foreign_addresses(site: Site, path: str):
    page = site.visitor().get(path).get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=|javascript:|<style|\sstyle=", page)
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page)


def test_each_answer_has_its_own_nonce(site: Site):
    someone = site.visitor()
    first, second = (someone.get("/").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_chinese_is_the_language_of_whoever_says_nothing(site: Site):
    page = site.app.test_client().get("/").get_data(as_text=True)
    assert '<html lang="zh-CN">' in page
    assert "预约入园" in page


def test_a_reader_of_english_is_answered_in_english(site: Site):
    answer = site.visitor("en-GB,en;q=0.9,zh;q=0.4").get("/")
    assert '<html lang="en">' in answer.get_data(as_text=True)
    assert "Book a visit" in text(answer)


def test_a_chosen_language_stays(site: Site):
    someone = site.visitor("zh-CN")
    someone.get("/book?lang=en")
    assert "Send the booking" in text(someone.get("/book"))
    someone.get("/?lang=zh")
    assert "提交预约" in text(someone.get("/book"))


def test_the_language_link_keeps_the_page_and_its_question(site: Site):
    page = site.signed_in("guard").get("/gate?q=晋M").get_data(as_text=True)
    assert re.search(r'href="/gate\?q=[^"]*&amp;lang=en"', page)


def test_the_park_says_that_it_is_not_official(site: Site):
    assert "示意数据，非官方" in text(site.visitor().get("/"))


@pytest.mark.parametrize(
    ("path", "status", "words"), [("/nowhere", 404, "页面不存在"), ("/b/AAAA2222", 403, "无权访问")]
)
def test_an_error_page_says_what_happened_in_the_readers_language(site: Site, path, status, words):
    answer = site.visitor().get(path)
    assert answer.status_code == status
    assert words in text(answer)


def test_a_wrong_method_is_answered_with_the_right_ones(site: Site):
    answer = site.visitor().client.delete("/book")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_too_much_is_refused_before_it_is_read(site: Site):
    answer = site.visitor().client.post("/book", data={"carrier": "长" * 400_000})
    assert answer.status_code == 413


def test_a_machine_gets_its_error_as_json(site: Site):
    answer = site.visitor().client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.get_json()["error"] == 404


def test_without_a_database_the_page_says_so_and_nothing_breaks(tmp_path: Path):
    away = create_app(Settings(database_url="postgresql://127.0.0.1:9/none", data=tmp_path))
    answer = away.test_client().get("/goods?un_number=12", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "数据库无响应" in text(answer)


def test_an_odd_host_gets_no_page(site: Site):
    answer = site.visitor().client.get("/", headers={"Host": "evil.example; script-src *"})
    assert answer.status_code == 400
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_the_secret_is_drawn_once_and_only_its_owner_reads_it(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(security.secret_key(settings))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 1
    assert len(found[0]) >= 48
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
    assert len(list((tmp_path / "data").iterdir())) == 1


def test_behind_https_the_cookie_is_secure(database_url, redis_url, tmp_path):
    app = create_app(
        Settings(
            database_url=database_url, redis_url=redis_url, data=tmp_path, public_url="https://park.example"
        )
    )
    cookie = app.test_client().get("/book").headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_forwarded_address_is_believed_only_behind_a_proxy(tmp_path: Path):
    header = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for behind, expected in ((False, "http"), (True, "https")):
        app = create_app(Settings(data=tmp_path, behind_proxy=behind))
        answer = app.test_client().get("/alive", headers=header)
        assert f"connect-src 'self' {expected}://localhost:8081" in answer.headers["Content-Security-Policy"]
