"""Every word of the vocabulary can be said, in both languages, with the same facts."""

from __future__ import annotations

import string
from enum import StrEnum

import pytest

from geo.report import LayerWord
from parking import events, layer_words, speech, vocabulary, words
from workers import routing

#: Spelled alike because they mean the same: a bay that is held, the dispatcher as a rung of the ladder.
SAME = {
    *("held", "occupied", "dispatcher", "supervisor", "enterprise", "carrier", "plate"),
    *("called", "refuse", "isolate", "expired"),
}
ENUMS = [
    e
    for e in vars(vocabulary).values()
    if isinstance(e, type) and issubclass(e, StrEnum) and e is not StrEnum
]


def facts_of(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda e: e.__name__)
def test_every_word_has_a_name_or_a_sentence(enum):
    assert [w for w in enum if w not in words.NAMES and w not in words.SENTENCES] == []


def test_words_spelled_alike_mean_the_same():
    """They are keys of the same tables, where equal spelling is one entry."""
    spelled = [str(w) for enum in ENUMS for w in enum if w in words.NAMES]
    assert {w for w in spelled if spelled.count(w) > 1} == SAME
    said = [str(w) for enum in ENUMS for w in enum if w in words.SENTENCES]
    assert {w for w in said if said.count(w) > 1} == set()


@pytest.mark.parametrize(
    "table", [words.SENTENCES, words.NAMES, layer_words.SENTENCES], ids=["sentences", "names", "layers"]
)
def test_chinese_says_the_same_facts(table):
    catalogue = speech.catalogue()
    for word, english in table.items():
        message = catalogue.get(english)
        assert message is not None and message.string, f"{word!r} is not translated: {english}"
        assert facts_of(message.string) == facts_of(english), word


def test_every_complaint_about_layers_has_a_sentence():
    assert set(layer_words.SENTENCES) == set(LayerWord)


def test_every_event_has_a_route():
    assert {e.name for e in events.ALL} == set(routing.ROUTES)
    assert {e.__name__ for e in events.Event.__subclasses__()} == {e.__name__ for e in events.ALL}
