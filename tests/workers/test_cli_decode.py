"""``decode`` answers every line with one JSON object, whatever stands on it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cli.decode import decode_lines
from workers.jt808 import areas, identity, location
from workers.jt808.header import Header, Version
from workers.jt808.location import Location
from workers.jt808.messages import frames

REPORT = Location(datetime(2026, 3, 2, tzinfo=UTC), 35.68, 110.92, 36.5, 90, 501)


def line(message_id, body, version=Version.V2013, serial=7):
    return "\n".join(f.hex() for f in frames(message_id, "13900000001", serial, body, version)).encode()


def decoded(text, lang="en"):
    return list(decode_lines(text.split(b"\n"), lang))


def run(*arguments, data=b""):
    command = [sys.executable, "-m", "workers", "decode", *arguments]
    return subprocess.run(
        command, input=data, capture_output=True, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"}
    )


def test_a_location_is_told_in_full():
    body = location.encode(REPORT, {0x01: (1234).to_bytes(4, "big")})
    assert decoded(line(0x0200, body, Version.V2019)) == [{
        "ok": True, "id": "0x0200", "version": "2019", "phone": "00000000013900000001", "serial": 7,
        "fixes": [{
            "time": "2026-03-02T00:00:00Z", "lat": 35.68, "lon": 110.92, "speed_kmh": 36.5, "heading": 90,
            "altitude_m": 501, "alarm": 0, "status": 2, "located": True, "extras": {"mileage_km": 123.4},
        }],
    }]  # fmt: skip


@pytest.mark.parametrize("version", list(Version))
def test_a_registration_tells_its_plate_and_its_edition(version):
    known = identity.Registration("晋M12345", 2, maker="HAZPK", version=version)
    wire = Version.V2019 if version is Version.V2019 else Version.V2013
    (found,) = decoded(line(0x0100, identity.encode_registration(known), wire))
    assert (found["ok"], found["version"], found["plate"], found["fields"]["colour"]) == (
        True,
        version,
        "晋M12345",
        2,
    )
    assert "fixes" not in found and "error" not in found


def test_packages_are_joined_over_lines():
    body = location.encode_batch([location.encode(REPORT)] * 50)
    found = decoded(line(0x0704, body))
    assert [f["package"]["number"] for f in found] == [1, 2]
    assert "fixes" not in found[0] and len(found[1]["fixes"]) == 50


def test_a_bad_item_of_a_batch_is_named_beside_the_good_ones():
    (found,) = decoded(line(0x0704, location.encode_batch([location.encode(REPORT), b"?"])))
    assert len(found["fixes"]) == 1 and found["fields"]["unreadable"][0]["item"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"hello", "byte 0: the line is not hexadecimal"),
        (b"7e0", "not hexadecimal"),
        (b"7e7e", "too short"),
        (b"7e000200000139000000010007ff7e", "checksum FF is wrong"),
        (b"7e0002000001390000000100077d037e", "byte 13: 7D is not followed by 01 or 02"),
        (line(0x0002, b"") + line(0x0002, b""), "2 frames on one line"),
        (Header(0x0200, "1", 1, encryption=1).encode(bytes(28)).hex().encode(), "byte"),
    ],
)
def test_an_error_names_byte_and_reason(text, said):
    (found,) = decoded(text)
    assert found["ok"] is False and said in found["error"] and found["error"].startswith("byte ")


def test_errors_are_told_in_chinese_by_default():
    done = run("-", data=b"zz\n")
    assert done.returncode == 1 and "十六进制" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("text", [b"0x7E 00 02", b" ", line(0x0002, b"").upper() + b"\r"])
def test_blanks_prefixes_and_case_are_forgiven(text):
    assert all("not hexadecimal" not in str(found.get("error")) for found in decoded(text))


@given(st.binary(max_size=400) | st.text("7eE0123456789abcdf ", max_size=400).map(str.encode))
def test_no_line_makes_it_stumble(text):
    for lang in ("zh", "en"):
        for found in decoded(text, lang):
            json.dumps(found)
            assert found["ok"] is True or found["error"]


def test_the_command_reads_a_file_or_standard_input_and_never_shows_a_traceback(tmp_path):
    good, bad = line(0x0200, location.encode(REPORT)), b"\xff\xfe\x00" * 100_000
    (tmp_path / "frames.hex").write_bytes(good + b"\n\n" + good)
    done = run(str(tmp_path / "frames.hex"))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2
    done = run("-", data=good + b"\n" + bad)
    assert done.returncode == 1 and [json.loads(x)["ok"] for x in done.stdout.splitlines()] == [True, False]
    for arguments in ([str(tmp_path)], [str(tmp_path / "none")], ["--lang", "xx", "-"], []):
        done = run(*arguments)
        assert done.returncode == 2 and done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(("lang", "said"), [("zh", "解码"), ("en", "Decode")])
def test_help_speaks_both_languages(lang, said):
    assert said in run("--help", "--lang", lang).stdout.decode()


def test_what_the_platform_sends_is_printed_as_well():
    polygon = areas.Polygon(5, 8, areas.Limits(max_kmh=30), "A", vertices=((1.5, 2.5), (1.5, 3), (2, 3)))
    bodies = {
        0x8604: areas.encode_polygon(polygon, Version.V2019),
        0x0104: bytes.fromhex("0001 02 00000029 04 0000001E 0000F999 02 CAFE"),
    }
    lines = [frames(n, "1", 1, body, Version.V2019)[0].hex().encode() for n, body in bodies.items()]
    area, answer = json.loads(json.dumps(list(decode_lines(lines))))
    assert area["fields"]["vertices"] == [[1.5, 2.5], [1.5, 3.0], [2.0, 3.0]]
    assert area["fields"]["limits"]["max_kmh"] == 30 and area["fields"]["number"] == 5
    assert answer["fields"] == {"answered": 1, "settings": {"41": 30, "63897": "cafe"}}
