"""What another drawing would have caught: the same fixes judged on two grounds, and the difference.

Pure: grounds, fixes and journeys in, findings out. Nothing here is an accusation and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from geo.fix import FixColumns
from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind, Park
from parking.rules.ground import Ground
from parking.rules.monitor import Finding, Journey, rejudge_many
from parking.rules.policy import Policy

#: Findings of one kind and subject this close together are one offence, judged twice or on two grounds.
SAME_WITHIN = timedelta(seconds=60)
JourneyAt = Callable[[datetime], Journey]


@dataclass(frozen=True, slots=True)
class Difference:
    """Offences found on the old ground only, on the new one only, and on both (old, new)."""

    only_old: tuple[Finding, ...]
    only_new: tuple[Finding, ...]
    both: tuple[tuple[Finding, Finding], ...]

    @property
    def any(self) -> bool:
        return bool(self.only_old or self.only_new or self.both)


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until): offences that touch it are compared, with the fixes before it for their beginnings."""

    since: datetime
    until: datetime

    def touches(self, finding: Finding) -> bool:
        ended = finding.ended_at or self.until
        return finding.started_at < self.until and ended >= self.since


def grounds(before: Park, after: Park) -> tuple[Ground, Ground]:
    """Both parks compiled for judging the past: no fix is too old. Compile once, ask for many vehicles."""
    policy = replace(Policy.from_mapping(before.policy), oldest_h=float("inf"))
    return Ground(before, policy), Ground(after, policy)


def differences(
    old: Ground, new: Ground, tracks: FixColumns, journeys: Sequence[JourneyAt], period: Period
) -> list[Difference]:
    """The tracks of some vehicles judged on both grounds, one difference each."""
    newest = datetime.fromtimestamp(float(tracks.at.max()), UTC) if len(tracks) else period.until
    now = max(newest, period.until)
    found: list[list[list[Finding]]] = []
    for ground in (old, new):
        offences: list[list[Finding]] = [[] for _ in journeys]
        for vehicle, finding in rejudge_many(ground, tracks, journeys, now).findings:
            if finding.offence and period.touches(finding):
                offences[vehicle].append(finding)
        found.append(offences)
    return [paired(*both) for both in zip(*found, strict=True)]


def paired(old: Iterable[Finding], new: Iterable[Finding]) -> Difference:
    """Each offence with its counterpart on the other ground, the nearest in time first."""
    left, rest = list(old), list(new)
    both: list[tuple[Finding, Finding]] = []
    for finding in sorted(rest, key=lambda f: f.started_at):
        alike = [f for f in left if _same(f, finding)]
        if alike:
            nearest = min(alike, key=lambda f: abs(f.started_at - finding.started_at))
            left.remove(nearest)
            both.append((nearest, finding))
    taken = {id(finding) for _, finding in both}
    return Difference(tuple(left), tuple(f for f in rest if id(f) not in taken), tuple(both))


def _same(one: Finding, other: Finding) -> bool:
    if (one.kind, one.subject) != (other.kind, other.subject):
        return False
    if one.facts.get("direction") != other.facts.get("direction"):
        return False
    ends = [f.ended_at or datetime.max.replace(tzinfo=f.started_at.tzinfo) for f in (one, other)]
    slack = SAME_WITHIN
    return one.started_at <= _later(ends[1], slack) and other.started_at <= _later(ends[0], slack)


def _later(moment: datetime, by: timedelta) -> datetime:
    return moment if moment.year > 9000 else moment + by


def with_layer(park: Park, kind: LayerKind, shapes: Sequence[Feature]) -> Park:
    """The park as if ``shapes`` had always been its whole layer of ``kind``."""
    kept = [f for f in park.features if f.kind is not kind]
    return replace(park, features=(*kept, *_always(shapes)))


def with_version(park: Park, version: Feature) -> Park:
    """The park as if one version had always been the only one of its shape."""
    kept = [f for f in park.features if (f.kind, f.code) != (version.kind, version.code)]
    return replace(park, features=(*kept, *_always([version])))


def _always(shapes: Sequence[Feature]) -> Iterator[Feature]:
    """Without their dates, so that they bind in any period; the act stays known."""
    for shape in shapes:
        act = shape.approval or Approval("", "", SINCE_EVER, SINCE_EVER)
        yield replace(shape, approval=replace(act, effective_from=SINCE_EVER, effective_to=None))


def summed(differences: Mapping[int, Difference]) -> dict[str, dict[str, int]]:
    """Counts by kind of violation: ``{"ring_stop": {"only_old": 1, "only_new": 3, "both": 7}}``."""
    counts: dict[str, dict[str, int]] = {}
    for one in differences.values():
        for name, found in (
            ("only_old", one.only_old),
            ("only_new", one.only_new),
            ("both", [new for _, new in one.both]),
        ):
            for finding in found:
                row = counts.setdefault(finding.kind.value, {"only_old": 0, "only_new": 0, "both": 0})
                row[name] += 1
    return dict(sorted(counts.items()))
