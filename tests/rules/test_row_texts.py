"""The text of a row is the text its state would have."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from parking.rules import memory, row_texts
from parking.rules.lines import Side
from parking.rules.state import Seen, State
from parking.rules.states import ROW, States, fits
from parking.rules.stopping import Stand

NUMBERS = st.floats(-1e6, 1e6).map(lambda v: round(v, 6))
WORDS = st.sampled_from(("", "B-1", "=at", "=x", '"', "东门"))
KINDS = st.sampled_from(("", "illegal_stop", "ring_stop"))


@st.composite
def quiet(draw):
    """A vehicle that drives or stands; sometimes just seen elsewhere."""
    at, lon, lat = (draw(NUMBERS) for _ in range(3))
    speed, km = (draw(st.none() | NUMBERS) for _ in range(2))
    sides = tuple(Side(code, draw(st.booleans())) for code in draw(st.lists(WORDS, max_size=2, unique=True)))
    x, y = draw(NUMBERS), draw(NUMBERS)
    stand = Stand(at, x, y, lon, lat, draw(KINDS), draw(WORDS), at, mean_x=x, mean_y=y)
    if draw(st.booleans()):
        began, gap, mean_x, mean_y = (draw(NUMBERS) for _ in range(4))
        count, calm = draw(st.integers(1, 99)), draw(st.integers(0, 99))
        stand = replace(
            stand, began=began, longest_gap_s=gap, count=count, calm=calm, mean_x=mean_x, mean_y=mean_y
        )
    if draw(st.booleans()):
        ax, ay = draw(NUMBERS), draw(NUMBERS)
        away = Stand(at, ax, ay, lon, lat, draw(KINDS), draw(WORDS), at, mean_x=ax, mean_y=ay)
        stand = replace(stand, away=away)
    seen = Seen(at, lon, lat, speed, draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1)), km)
    newest, heard = draw(st.sampled_from(((at, at), (at, at + 5), (at + 5, at + 5))))
    return State(last=seen, sides=sides, stand=stand, newest=newest, heard=heard)


@settings(max_examples=300)
@given(quiet())
def test_what_is_written_of_a_row_is_read_as_its_state(state):
    assert fits(state)
    states = States.of([state])
    assert states.rows["form"][0] == ROW and states[0] == state
    (text,) = row_texts.standing(states.rows)
    last = memory.last_of(state)
    assert State.from_json(memory.unpacked(json.loads(text), last)) == state


@settings(max_examples=300)
@given(quiet())
def test_a_text_that_says_only_driving_is_known_as_such(state):
    last = memory.last_of(state)
    kept = json.loads(json.dumps(memory.spell(memory.text_of(state, last))))
    driving = row_texts.driving_of(kept, State.from_json(memory.unpacked(kept, last)))
    if row_texts.driving(States.of([state]).rows)[0]:
        made = json.loads(
            row_texts.text_of(
                row_texts.Driving(
                    *(int(States.of([state]).rows[name][0]) for name in row_texts.Driving._fields)
                )
            )
        )
        assert State.from_json(memory.unpacked(made, last)) == state
    if driving is not None:
        assert json.loads(row_texts.text_of(driving)) == kept
