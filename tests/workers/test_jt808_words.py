"""Whatever the codec complains of can be said in Chinese: each reason, and each field it names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workers.jt808
from parking import speech

TAKES_A_FIELD = {"take", "number", "text", "exact_text", "moment"}


def _said():
    for file in sorted(Path(workers.jt808.__file__).parent.glob("*.py")):
        for call in (n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)):
            reason = isinstance(call.func, ast.Name) and call.func.id == "N_"
            field = isinstance(call.func, ast.Attribute) and call.func.attr in TAKES_A_FIELD
            if (reason or field) and call.args and isinstance(call.args[-1], ast.Constant):
                yield str(call.args[-1].value)


@pytest.mark.parametrize("english", sorted(set(_said()) - {""}))
def test_every_complaint_of_the_codec_has_a_chinese_sentence(english):
    message = speech.catalogue().get(english)
    assert message is not None and message.string
