"""In a real browser, under the strictest policy, a map runs nothing a person typed and asks nobody else."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import xstatic.pkg.leaflet

from geo import maps
from geo.layers import read_park
from geo.shapes import LayerKind

pytestmark = pytest.mark.browser
HOUSE = Path(__file__).parents[2]
LEAFLET = Path(next(iter(xstatic.pkg.leaflet.__path__))) / "data"
NONCE = "n0nce"
POLICY = (
    f"default-src 'none'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'nonce-{NONCE}'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'; object-src 'none'"
)
FILES = {
    "/leaflet.js": (LEAFLET / "leaflet.js", "text/javascript"),
    "/leaflet.css": (LEAFLET / "leaflet.css", "text/css"),
    "/map.js": (HOUSE / "web/static/map.js", "text/javascript"),
    "/map.css": (HOUSE / "web/static/map.css", "text/css"),
}
HOSTILE = (
    "</script><script>owned()</script>${owned()}`+owned()+`<img src=x onerror=owned()>"
    "<svg onload=owned()> javascript:owned() {{7*7}} \u2028 \\u003c C:\\2026 ]]> <!--"
)


class Pages:
    """A server of one page and four files; anything else is noted and refused."""

    def __init__(self) -> None:
        self.html = ""
        self.unknown: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/":
                    return self.answer(outer.html.encode(), "text/html; charset=utf-8")
                if self.path in FILES:
                    file, kind = FILES[self.path]
                    return self.answer(file.read_bytes(), kind)
                if self.path != "/favicon.ico":
                    outer.unknown.append(self.path)
                return self.send_error(404)

            def answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", POLICY)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def pages():
    made = Pages()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = "no browser: install the Debian package chromium, or name one in CHROMIUM"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program,
            chromium_sandbox=False,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield made
        made.close()


def drawn(text, width_of_track=40):
    """The shipped park with ``text`` wherever a person's words go."""
    features = maps.order(read_park(HOUSE / "fixtures" / "park")[0].features)
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    data = maps.map_data(
        [
            {**maps.layer(f, text, emphasis=f.kind is LayerKind.CONTROL_LINE), "code": f"{text} {f.code}"}
            for f in features
        ],
        track=[
            maps.track_point(start + timedelta(seconds=5 * n), 110.91 + 0.0003 * n, 35.672, 28.0, text)
            for n in range(width_of_track)
        ],
        points=[{"lon": 110.915, "lat": 35.672, "title": text, "lines": [text, text], "tone": text}],
        vehicles=[
            {
                "id": text,
                "plate": text,
                "lon": 110.92,
                "lat": 35.68,
                "heading": 45,
                "lines": [text],
                "tone": text,
            }
        ],
        legend={"boundary": text, "control_line": text},
    )
    return maps.draw(data, maps.bounds_of(features), NONCE, text)


def page_of(parts):
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>地图</title>'
        '<link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/leaflet.css"><link rel="stylesheet" href="/map.css">'
        f'<script src="/leaflet.js"></script><script src="/map.js"></script></head>'
        f'<body><main class="map-frame">{parts.body}</main>{parts.script}</body></html>'
    )


@pytest.fixture
def opened(browser, pages):
    """Shows parts of a map; whatever goes wrong is collected and must be nothing."""
    wrong: list[str] = []
    pages.unknown.clear()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.expose_function("owned", lambda: wrong.append("somebody's text was executed"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("dialog", lambda d: (wrong.append("dialog"), d.dismiss()))
    page.on(
        "request",
        lambda r: None if r.url.startswith((pages.address, "data:")) else wrong.append(f"foreign: {r.url}"),
    )
    page.on("requestfailed", lambda r: wrong.append(f"failed: {r.url}"))

    def show(parts):
        pages.html = page_of(parts)
        page.goto(pages.address)
        page.locator(".leaflet-control-scale").wait_for()
        return page

    yield show
    page.wait_for_timeout(200)
    context.close()
    assert (wrong, pages.unknown) == ([], [])


EVERY_POPUP = """() => {
  const map = document.querySelector('.folium-map').hazpark.map;
  const seen = [];
  map.eachLayer(layer => {
    if (!layer.getPopup || !layer.getPopup()) { return; }
    layer.openPopup();
    document.querySelectorAll('.leaflet-popup-content').forEach(box => seen.push(box.textContent));
    layer.closePopup();
  });
  return seen;
}"""


def test_hostile_words_are_shown_as_they_were_typed_and_never_run(opened):
    page = opened(drawn(HOSTILE))
    seen = page.evaluate(EVERY_POPUP)
    assert len(seen) > 150 and all(HOSTILE in text for text in seen)
    assert page.locator(".folium-map").get_attribute("aria-label") == HOSTILE
    assert HOSTILE in page.locator(".map-legend").inner_text().replace("\n", "")
    assert page.locator(".folium-map :is(script, svg[onload], img[onerror])").count() == 0


def test_everything_of_the_park_lies_on_one_canvas_framed_and_metric(opened):
    page = opened(drawn("晋M12345"))
    assert page.locator(".folium-map canvas").count() == 1
    assert page.locator(".leaflet-control-scale-line").all_inner_texts()[0].endswith("m")
    assert "ft" not in page.locator(".leaflet-control-scale").inner_text()
    west, south, east, north = (
        read_park(HOUSE / "fixtures" / "park")[0].of(LayerKind.BOUNDARY)[1].geometry.bounds
    )
    shown = page.evaluate("document.querySelector('.folium-map').hazpark.map.getBounds().toBBoxString()")
    left, low, right, high = map(float, shown.split(","))
    assert left < west < east < right and low < south < north < high


def test_a_page_with_a_map_can_be_zoomed_by_hand(opened):
    page = opened(drawn("晋M12345"))
    views = page.locator("meta[name=viewport]")
    assert all("scalable" not in (v.get_attribute("content") or "") for v in views.all())
    zoom = "document.querySelector('.folium-map').hazpark.map.getZoom()"
    before = page.evaluate(zoom)
    page.locator(".leaflet-control-zoom-in").press("Enter")
    for _ in range(50):  # the policy forbids the eval that a waiting condition needs
        if page.evaluate(zoom) > before:
            return
        page.wait_for_timeout(100)
    pytest.fail("the map did not come nearer")
