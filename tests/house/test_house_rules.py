"""The house keeps its own rules."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from parking import events, speech
from parking.settings import ENV
from workers.routing import ROUTES

ROOT = Path(__file__).parents[2]
ROOMS = ("geo", "parking", "workers", "web")

#: parking/db.py is the only place that commits; the migrations' runner holds a lock over several of them.
MAY_COMMIT = {"parking/db.py", "parking/schema.py"}


def _sources():
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def _calls(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def test_only_the_database_door_commits():
    found = {
        str(path.relative_to(ROOT))
        for path in _sources()
        for call in _calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit"
    }
    assert found <= MAY_COMMIT


def test_every_event_has_a_route():
    assert {event.name for event in events.ALL} == set(ROUTES)


def test_every_marked_sentence_is_said_in_chinese():
    catalogue = speech.catalogue()
    silent = {
        f"{path.relative_to(ROOT)}: {call.args[0].value!r}"
        for path in _sources()
        for call in _calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "N_" and isinstance(call.args[0], ast.Constant)
        if not (message := catalogue.get(call.args[0].value)) or not message.string
    }
    assert not silent


def test_a_translation_names_the_same_facts_as_its_sentence():
    facts = re.compile(r"{(\w+)[^}]*}")
    wrong = [
        m.id for m in speech.catalogue() if m.id and set(facts.findall(m.id)) != set(facts.findall(m.string))
    ]
    assert not wrong


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_setting_stands_in_the_readme(readme):
    path = ROOT / readme
    if not path.exists():
        pytest.skip(f"{readme} is not written yet")
    text = path.read_text()
    settings = {*ENV.values(), "HAZPARK_PG_BIN", "HAZPARK_VALKEY_BIN"}
    assert not {name for name in settings if f"`{name}`" not in text}


def test_help_lists_every_target_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.M)[1].split())
    assert targets == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert all(f"make {target} " in said.stdout for target in targets)


def _tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _texts():
    for path in _tracked():
        try:
            yield path.relative_to(ROOT), path.read_text()
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_machine_path_or_a_package_registry():
    forbidden = re.compile(
        r"(?<![\w.])/(?:home|root|Users|work|workspace)/\w"
        r"|index-url|files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs"
    )
    mine = Path("tests/house/test_house_rules.py")
    found = {
        f"{path}: {m[0]}" for path, text in _texts() if path != mine for m in [forbidden.search(text)] if m
    }
    assert not found


def test_no_page_loads_anything_from_elsewhere():
    remote = re.compile(
        r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""", re.I
    )
    links = re.compile(r"""<a\s[^>]*href\s*=\s*["']https?://[^"']*["'][^>]*>""", re.I)
    pages = [
        (p, t)
        for p, t in _texts()
        if p.parts[0] in ("web", "geo") and p.suffix in (".html", ".css", ".js", ".py")
    ]
    found = {f"{path}: {m[0]}" for path, text in pages for m in [remote.search(links.sub("", text))] if m}
    assert not found
