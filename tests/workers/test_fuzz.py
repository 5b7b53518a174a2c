"""A short run of ``make fuzz``; the long one is started by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import corpus, mutator
from tests.fuzz.run import fuzz
from workers.jt808.framing import Frame, Splitter
from workers.jt808.header import Version, split
from workers.jt808.messages import decode


def test_damaged_frames_never_make_the_decoder_stumble():
    counts = fuzz(20_000, seed=8082019)
    assert counts["read"] > 4_000 and counts["joined"] > 50
    assert counts["bad bodies"] > 500 and counts["skipped"] > 500 and counts["Location"] > 300


@given(st.integers(0, 2**64 - 1))
def test_any_seed_will_do(seed):
    fuzz(16, seed)


def test_what_the_mutator_starts_from_is_read_without_complaint():
    for content in corpus.contents((Version.V2013, Version.V2019)):
        header, _ = split(content)
        assert decode(content).header == header


def test_the_mutator_makes_frames_that_still_are_some():
    from random import Random

    random, seeds = Random(1), corpus.contents()
    found = [i for _ in range(500) for i in Splitter().feed(mutator.frame(seeds, random))]
    assert sum(isinstance(i, Frame) for i in found) > 350
