"""The people of the demo day: they use the real pages, forms, cookies and all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urljoin, urlsplit

import requests

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_KEY = re.compile(r'name="idempotency_key"[^>]*value="([^"]+)"')
_CODE = re.compile(r'name="code"[^>]*value="([^"]+)"')
_LINK_KEY = re.compile(r'name="k"[^>]*value="([^"]+)"')
TIMEOUT_S = 20


class NotPossible(RuntimeError):
    """The page did not let a person do what the recorded day has them do."""


class Person:
    """Someone with a browser of their own."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.web = requests.Session()
        self.web.trust_env = False

    def get(self, path: str) -> str:
        answer = self.web.get(urljoin(self.base, path), timeout=TIMEOUT_S)
        if answer.status_code != 200:
            raise NotPossible(f"GET {path}: {answer.status_code}")
        return answer.text

    def post(self, path: str, page: str, fields: Mapping[str, str]) -> str:
        """Send a form found on ``page``; the address it led to. Raises NotPossible."""
        token = _TOKEN.search(page)
        data = {**fields, "csrf_token": token.group(1) if token else ""}
        answer = self.web.post(urljoin(self.base, path), data=data, timeout=TIMEOUT_S, allow_redirects=False)
        if answer.status_code != 303:
            raise NotPossible(f"POST {path}: {answer.status_code}: {_said(answer.text)}")
        return str(answer.headers["Location"])


class Staff(Person):
    """A dispatcher or guard with an account."""

    def sign_in(self, username: str, password: str) -> None:
        page = self.get("/sign-in")
        self.post("/sign-in", page, {"username": username, "password": password, "next": ""})


class Dispatcher(Staff):
    def assign(self, booking_id: str, bay: str | None = None) -> None:
        """Give it ``bay``, or the first one the board suggests."""
        page = self.get(f"/board?booking={booking_id}")
        found = re.search(r'action="/board/assign".*?name="bay"[^>]*value="([^"]+)"', page, re.DOTALL)
        if found is None:
            raise NotPossible("the board suggests no bay")
        chosen = bay or found.group(1)
        self.post("/board/assign", page, {"booking_id": booking_id, "bay": chosen, "seen": ""})

    def call(self, booking_id: str, dock: str) -> None:
        page = self.get(f"/board?booking={booking_id}")
        visit = re.search(r'name="visit_id"[^>]*value="(\d+)"', page)
        if visit is None:
            raise NotPossible("the board shows no visit to call")
        self.post("/board/step", page, {"visit_id": visit.group(1), "step": "call", "dock": dock})


class Enterprise(Staff):
    """Someone of an enterprise who answers what is asked of it."""

    def agree(self, booking_id: str) -> None:
        """Say that the vehicle is expected."""
        path = f"/enterprise/{booking_id}"
        self.post(f"{path}/step", self.get(path), {"step": "enterprise_approve", "remark": ""})


class Guard(Staff):
    def inspect(self, booking_id: str, until: str) -> None:
        """Answer the whole entry checklist, row by row, and finish it. ``until``: what the papers say."""
        path = f"/gate/{booking_id}/checklist"
        page = self.get(path)
        for code in dict.fromkeys(_CODE.findall(page)):
            fields = {"code": code, "result": "pass", "valid_until": until, "remark": ""}
            self.post(path, page, fields)
        self.post(f"{path}/finish", self.get(path), {})

    def step(self, booking_id: str, step: str) -> None:
        path = f"/gate/{booking_id}"
        self.post(f"{path}/step", self.get(path), {"step": step, "remark": ""})

    def find(self, code: str) -> str:
        """The booking's number, as the gate's search leads to it."""
        answer = self.web.get(urljoin(self.base, "/gate"), params={"q": code}, timeout=TIMEOUT_S)
        found = re.search(r"/gate/(\d+)$", urlsplit(answer.url).path)
        if found is None:
            raise NotPossible(f"the gate does not find {code}")
        return found.group(1)


class Driver(Person):
    """Books on the phone and follows the signed link."""

    link = ""

    def book(self, fields: Mapping[str, str]) -> str:
        """The booking's code."""
        page = self.get("/book")
        key = _KEY.search(page)
        self.link = self.post("/book", page, {**fields, "idempotency_key": key.group(1) if key else ""})
        return urlsplit(self.link).path.rsplit("/", 1)[-1]

    def try_to_book(self, fields: Mapping[str, str]) -> bool:
        """Whether a form the park must refuse was taken."""
        try:
            self.book(fields)
        except NotPossible:
            return False
        return True

    def step(self, step: str, said: Mapping[str, str] | None = None) -> None:
        """Press a button of the booking page; ``said``: what the driver fills in beside it."""
        page = self.get(self.link)
        key = _LINK_KEY.search(page)
        path = urlsplit(self.link).path
        fields = {"step": step, "k": key.group(1) if key else "", **(said or {})}
        self.post(f"{path}/step", page, fields)


def _said(page: str) -> str:
    """The reasons a page gives, without its markup."""
    text = " ".join(re.findall(r'class="[^"]*reason[^"]*"[^>]*>(.*?)</', page, re.DOTALL)) or page[:300]
    return unescape(re.sub(r"<[^>]+>|\s+", " ", text)).strip()[:300]
