"""Every sentence of the pages is there in Chinese."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from babel.messages.extract import extract_from_dir

import web
from parking import speech
from parking.rules.policy import Policy
from parking.vocabulary import BookingState, Role, VisitState
from web import driver_words, policy_words

HOUSE = Path(web.__file__).parent


def _sentences() -> Iterator[tuple[str, str]]:
    """(sentence, file) of every _("…") and N_("…") of the pages."""
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    for file, _line, message, _comments, _context in extract_from_dir(
        str(HOUSE), methods, keywords={"_": None, "N_": None}
    ):
        yield str(message), file


def test_every_sentence_of_the_pages_has_a_chinese_translation():
    catalogue = speech.catalogue()
    found = dict(_sentences())
    assert len(found) > 200, "the extraction no longer finds the pages' sentences"
    missing = [
        f"{file}: {one}" for one, file in found.items() if not (m := catalogue.get(one)) or not m.string
    ]
    assert not missing


def test_a_translation_names_the_same_facts_as_its_sentence():
    def facts(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    differing = [
        one
        for one, _ in _sentences()
        if facts(one) != facts(str(getattr(speech.catalogue().get(one), "string", "")))
    ]
    assert not differing


def test_the_driver_is_told_what_to_do_in_every_state():
    assert set(driver_words._WAITING) == set(BookingState)
    assert set(driver_words._MOVING) == set(VisitState)


def test_every_limit_of_the_park_is_named():
    assert {f.name for f in fields(Policy)} == set(policy_words.MEANINGS)


def test_every_role_has_a_front_door():
    from web.home import FRONT

    assert set(FRONT) == set(Role)
