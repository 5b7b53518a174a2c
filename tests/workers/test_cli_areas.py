"""``areas`` says what a terminal would hold of a park before anybody loads it."""

from __future__ import annotations

import json

import pytest

from workers.cli import areas
from workers.jt808.header import Header, Version
from workers.jt808.messages import read_body


@pytest.mark.parametrize("edition", list(Version))
def test_the_demo_park_fits_a_terminal_in_one_package_each(capsys, edition):
    assert areas.main(["fixtures/park", "--edition", edition, "--hex", "--lang", "en"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {s["message"] for s in said} == {"0x8604", "0x8606"} and {s["packages"] for s in said} == {1}
    assert [s["code"] for s in said if s["layer"] == "boundary"] == ["BD"], "only the version in force"
    assert all(s["lost"]["farthest_m"] < 1 for s in said)
    for one in said:
        value = read_body(
            Header(int(one["message"], 16), "1", 1, Version(edition)), bytes.fromhex(one["body"])
        )
        points = value.vertices if one["message"] == "0x8604" else value.turns
        assert len(points) == one["lost"]["points"]


def test_a_folder_that_is_none_is_one_sentence(capsys, tmp_path):
    assert areas.main([str(tmp_path / "none"), "--lang", "en"]) == 2
    assert "has errors" in capsys.readouterr().err
