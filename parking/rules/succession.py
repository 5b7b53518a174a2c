"""What a new drawing does to the versions there are: which follow, which end, which are replaced.

Two versions of one shape never bind on one day. Where a new one binds, the old one gives way: it ends the
day the new one begins, resumes after it when that one ends, and is replaced when nothing of it is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from geo.layers import feature_hash
from geo.shapes import SINCE_EVER, Approval, Feature, Park
from parking.vocabulary import SuccessionWord

_EVER = Approval("", "", SINCE_EVER, SINCE_EVER)


@dataclass(frozen=True, slots=True)
class Change:
    """One version and what becomes of it. ``left``: what remains of an old one, none to two pieces."""

    word: SuccessionWord
    feature: Feature
    left: tuple[Feature, ...] = ()


def succession(park: Park, drawn: Sequence[Feature], whole: bool) -> tuple[Change, ...]:
    """The changes that make ``drawn`` (one kind, each with its act) part of ``park``.

    ``whole``: the drawing shows everything of its kind, so shapes it does not show end when it begins.
    """
    if not drawn:
        return ()
    known = {feature_hash(f) for f in park.of(drawn[0].kind)}
    same = [f for f in drawn if feature_hash(f) in known]
    fresh = [f for f in drawn if feature_hash(f) not in known]
    changes = [Change(SuccessionWord.SAME, f) for f in same]
    followed = {f.code for f in park.of(drawn[0].kind)}
    for feature in fresh:
        word = SuccessionWord.FOLLOWS if feature.code in followed else SuccessionWord.NEW
        changes.append(Change(word, feature))
    untouched = {feature_hash(f) for f in same}
    for old in park.of(drawn[0].kind):
        if feature_hash(old) not in untouched and (change := _giving_way(old, drawn, fresh, whole)):
            changes.append(change)
    return tuple(changes)


def changed(park: Park, changes: Sequence[Change]) -> Park:
    """The park with the changes made."""
    gone = {id(c.feature) for c in changes if c.word in (SuccessionWord.ENDS, SuccessionWord.REPLACED)}
    kept = [f for f in park.features if id(f) not in gone]
    come = [c.feature for c in changes if c.word in (SuccessionWord.NEW, SuccessionWord.FOLLOWS)]
    pieces = [piece for c in changes for piece in c.left]
    return replace(park, features=(*kept, *pieces, *come))


def _giving_way(
    old: Feature, drawn: Sequence[Feature], fresh: Sequence[Feature], whole: bool
) -> Change | None:
    """What becomes of an old version, or None when nothing new binds on its days."""
    alike = [f for f in fresh if f.code == old.code]
    absent = whole and all(f.code != old.code for f in drawn)
    spans = [_span(f) for f in alike]
    if absent:
        spans = [(min(_span(f)[0] for f in drawn), None)]
    left = [_span(old)]
    for span in spans:
        left = [piece for one in left for piece in _minus(one, span)]
    if left == [_span(old)]:
        return None
    pieces = tuple(_cut(old, piece) for piece in left)
    return Change(SuccessionWord.ENDS if pieces else SuccessionWord.REPLACED, old, pieces)


_Span = tuple[date, date | None]


def _span(feature: Feature) -> _Span:
    act = feature.approval or _EVER
    return act.effective_from, act.effective_to


def _minus(one: _Span, other: _Span) -> Iterator[_Span]:
    """The days of ``one`` that are not days of ``other``; ends are exclusive, None is for ever."""
    begin, end = one
    if begin < other[0]:
        yield begin, other[0] if end is None else min(end, other[0])
    if other[1] is not None and (end is None or other[1] < end):
        yield max(begin, other[1]), end


def _cut(old: Feature, span: _Span) -> Feature:
    act = replace(old.approval or _EVER, effective_from=span[0], effective_to=span[1])
    return replace(old, approval=act)
