"""``python -m parking verdict`` answers in words, as JSON, and never guesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psycopg
import pytest

from parking.cli import verdict
from parking.cli.verdict import SHIPPED

PARK = ["--park", str(SHIPPED / "park")]


def asked(capsys, *argv):
    status = verdict.main([*argv, *PARK])
    return status, capsys.readouterr()


@pytest.mark.parametrize(
    ("argv", "status", "ruling"),
    [
        (("1203", "1203"), 0, "allowed"),
        (("1203", "1942"), 1, "distance"),
        (("UN1203", "un1942!"), 1, "distance"),
        (("1203", "1942-"), 0, "allowed"),
    ],
)
def test_it_answers_with_a_ruling_and_an_exit_status(capsys, argv, status, ruling):
    got, said = asked(capsys, *argv, "--json")
    assert (got, json.loads(said.out)["ruling"]) == (status, ruling)


def test_it_says_why_and_that_the_metres_are_the_parks(capsys):
    _, said = asked(capsys, "1203", "1942")
    assert "3 × 5.1" in said.out and "49 CFR 177.848(d)" in said.out and "设计默认值" in said.out
    _, said = asked(capsys, "1203", "1942", "--matrix", "imdg", "--lang", "en")
    assert "IMDG Code 7.2.4" in said.out and "15 m apart" in said.out


def test_it_says_whom_it_asked(capsys):
    _, said = asked(capsys, "1203", "1942")
    assert f"查询来源：{SHIPPED / 'park'}" in said.out
    _, said = asked(capsys, "1203", "1942", "--json")
    assert json.loads(said.out)["asked"] == str(SHIPPED / "park")


def test_cyanide_and_acid_are_told_apart_from_the_shipped_list_alone(capsys):
    status, said = asked(capsys, "1689!", "1830")
    assert status == 1 and "49 CFR 177.848(c)" in said.out and "氰化氢" in said.out
    assert asked(capsys, "1689", "1824")[0] == 0


def test_half_a_park_gives_no_verdict(capsys, tmp_path):
    status = verdict.main(["1203", "1203", "--park", str(tmp_path / "nowhere")])
    said = capsys.readouterr()
    assert status == 2 and "nowhere" in said.err and not said.out


def test_what_is_not_listed_is_not_guessed(capsys):
    status, said = asked(capsys, "1203", "9999")
    assert status == 2 and "9999" in said.err and not said.out


def told(database, *argv):
    """What another process says that finds ``database`` in its environment."""
    words = [sys.executable, "-m", "parking", *argv]
    env = {**os.environ, "DATABASE_URL": database}
    return subprocess.run(words, env=env, cwd=SHIPPED.parent, capture_output=True, text=True, timeout=60)


def test_the_running_park_is_asked_first_with_its_own_rules_and_the_files_only_without_it(database_url):
    assert told(database_url, "seed").returncode == 0
    own = {"a": "1203", "b": "1942", "ruling": "distance", "distance_m": 33, "document": "稷安〔2026〕9号"}
    plain = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain) as connection:
        connection.execute(
            "UPDATE park SET settings = jsonb_set(settings::jsonb, '{rules}', %s::jsonb)",
            (json.dumps({"segregation": [own]}),),
        )
    said = json.loads(told(database_url, "verdict", "1203", "1942", "--json").stdout)
    assert (said["needed_m"], said["source"], said["asked"]) == (33, "稷安〔2026〕9号", "database")
    nobody = "postgresql://nobody@127.0.0.1:1/none"
    said = json.loads(told(nobody, "verdict", "1203", "1942", "--json").stdout)
    assert (said["needed_m"], said["asked"]) == (10, str(SHIPPED / "park"))
