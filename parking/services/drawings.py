"""Drawings handed in on the pages: kept as they came, looked at, taken over with consent or not.

Nothing is ever deleted: a drawing keeps its file and its answer, a version that no longer counts keeps its
row. Whoever judges next reads the new versions, in every process, because the park's ``loaded_at`` moves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geo.declared import Declared, crs_known
from geo.layers import SUFFIXES, feature_hash, read_layer
from geo.park_checks import check_park
from geo.report import Report
from geo.shapes import Approval, Feature, LayerKind, Park
from parking.models import Drawing, LayerVersion, ParkRow
from parking.queries import park as parks
from parking.refused import Refused, no
from parking.rules.succession import Change, changed, succession
from parking.services import audit
from parking.services import park as park_service
from parking.vocabulary import DrawingState, Refusal, SuccessionWord

#: Largest file taken on the pages, megabytes. An assumption: a park's layers have one or two.
LARGEST_MB = 20
#: Kinds of files taken; a bare .shp lacks its companions and comes zipped.
TAKEN = tuple(s for s in SUFFIXES if s != ".shp")


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A file and what was said of it. ``whole``: it shows everything of its kind."""

    kind: LayerKind
    file_name: str
    content: bytes
    declared: Mapping[str, Any]
    act: Approval
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """What a drawing holds and would do. ``digest`` stands for all of it: consent is given to that."""

    drawing: Drawing
    features: tuple[Feature, ...]
    report: Report
    changes: tuple[Change, ...]
    park: Park
    digest: str

    @property
    def needs_repair(self) -> bool:
        return bool(self.report.repairs)

    @property
    def takes_effect(self) -> bool:
        """Whether anything would change."""
        return any(c.word is not SuccessionWord.SAME for c in self.changes)


def hand_in(session: Session, given: HandedIn, now: datetime, actor: str, source: str) -> Drawing:
    """Keep a file for review. Raises Refused; what is wrong inside the file is the review's to say."""
    _check(given)
    park_id = parks.stamp(session)[1]
    drawing = Drawing(
        park_id=park_id,
        kind=given.kind.value,
        file_name=_name(given.file_name, given.kind),
        content=given.content,
        file_sha256=hashlib.sha256(given.content).hexdigest(),
        declared=dict(given.declared),
        act=_act_json(given.act),
        whole=given.whole,
        state=DrawingState.OPEN,
        handed_in_at=now,
        handed_in_by=actor,
    )
    session.add(drawing)
    session.flush()
    facts = {"file": drawing.file_name, "sha256": drawing.file_sha256, "kind": drawing.kind}
    audit.record(session, actor, "drawing_handed_in", "drawing", drawing.id, now, source, **facts)
    return drawing


def review(session: Session, drawing_id: int, consent: bool = True) -> Review:
    """Read the drawing against the park as it is now. Writes nothing. Raises Refused.

    ``consent``: as it would be with the repairs it needs; without, as it was handed in.
    """
    drawing = session.get(Drawing, drawing_id)
    if drawing is None:
        raise Refused(no(Refusal.DRAWING_UNKNOWN))
    park = parks.current(session)
    features, report = read(drawing, park, consent)
    changes = succession(park, features, drawing.whole)
    _report_together(park, changed(park, changes), drawing, report)
    return Review(drawing, features, report, changes, park, _digest(drawing, features, changes, report))


def read(drawing: Drawing, park: Park, consent: bool) -> tuple[tuple[Feature, ...], Report]:
    """The shapes of a drawing, each under the act it was handed in with, and what is wrong with them."""
    report = Report()
    kind = LayerKind(drawing.kind)
    act = _act(drawing.act)
    defaults = {**_act_json(act), **drawing.declared.get("properties", {})}
    declared = Declared.from_mapping({**drawing.declared, "properties": defaults})
    with TemporaryDirectory(prefix="hazpark-") as folder:
        path = Path(folder) / drawing.file_name
        path.write_bytes(drawing.content)
        drawn = read_layer(kind, path, declared, park, report, consent)
    return tuple(replace(f, approval=act) for f in drawn), report


def take(
    session: Session,
    drawing_id: int,
    digest: str,
    repairs_agreed: bool,
    now: datetime,
    actor: str,
    source: str,
) -> Drawing:
    """Make the drawing's versions count. Raises Refused when it is not what the person saw, or has errors."""
    session.execute(text("SELECT pg_advisory_xact_lock(80802)"))
    _open(session, drawing_id)
    seen = review(session, drawing_id)
    if seen.report.errors or not seen.features:
        raise Refused(no(Refusal.DRAWING_WRONG, count=max(1, len(seen.report.errors))))
    if seen.needs_repair and not repairs_agreed:
        raise Refused(no(Refusal.REPAIR_NOT_AGREED, "repairs"))
    if digest != seen.digest:
        raise Refused(no(Refusal.DRAWING_CHANGED))
    drawing = seen.drawing
    _write(session, seen, now)
    drawing.repaired = seen.needs_repair
    _decide(drawing, DrawingState.TAKEN, now, actor)
    session.flush()
    park_service.settle(session, now)
    facts = {
        "sha256": drawing.file_sha256,
        "digest": digest,
        "repairs": [[r.feature, list(r.words), r.before_m2, r.after_m2] for r in seen.report.repairs],
        "changes": [[str(c.word), c.feature.code] for c in seen.changes],
    }
    audit.record(session, actor, "drawing_taken", "drawing", drawing.id, now, source, **facts)
    return drawing


def decline(session: Session, drawing_id: int, now: datetime, actor: str, source: str) -> Drawing:
    """Leave the layers as they are; the file stays on record. Raises Refused."""
    drawing = _open(session, drawing_id)
    _decide(drawing, DrawingState.DECLINED, now, actor)
    session.flush()
    audit.record(session, actor, "drawing_declined", "drawing", drawing.id, now, source)
    return drawing


def _check(given: HandedIn) -> None:
    reasons = []
    suffix = PurePosixPath(given.file_name.lower()).suffix
    if not given.content:
        reasons.append(no(Refusal.DRAWING_EMPTY, "file"))
    elif suffix not in TAKEN:
        reasons.append(no(Refusal.DRAWING_FORMAT, "file", suffix=suffix[:12] or "—", allowed=list(TAKEN)))
    if (megabytes := len(given.content) / 1e6) > LARGEST_MB:
        reasons.append(no(Refusal.DRAWING_TOO_LARGE, "file", megabytes=round(megabytes, 1), limit=LARGEST_MB))
    if not crs_known(crs := given.declared.get("crs", "")):
        reasons.append(no(Refusal.DRAWING_CRS, "crs", crs=str(crs)[:60]))
    act = given.act
    if act.effective_from < act.approved_on or (act.effective_to and act.effective_to <= act.effective_from):
        reasons.append(no(Refusal.ACT_DATES, "effective_from"))
    if reasons:
        raise Refused(*reasons)


def _name(given: str, kind: LayerKind) -> str:
    """The file's own name without folders and signs nobody can print, or the kind's."""
    bare = "".join(sign for sign in PurePosixPath(given.replace("\\", "/")).name if sign.isprintable())
    stem, suffix = PurePosixPath(bare).stem[:80].strip(". "), PurePosixPath(bare).suffix.lower()
    return f"{stem or kind}{suffix}"


def _act_json(act: Approval) -> dict[str, Any]:
    return {
        "document": act.document,
        "issuing_body": act.issuing_body,
        "approved_on": act.approved_on.isoformat(),
        "effective_from": act.effective_from.isoformat(),
        "effective_to": act.effective_to and act.effective_to.isoformat(),
    }


def _act(said: Mapping[str, Any]) -> Approval:
    days = {k: date.fromisoformat(said[k]) for k in ("approved_on", "effective_from")}
    until = said.get("effective_to")
    return Approval(
        said["document"],
        said["issuing_body"],
        days["approved_on"],
        days["effective_from"],
        date.fromisoformat(until) if until else None,
    )


def _report_together(before: Park, after: Park, drawing: Drawing, report: Report) -> None:
    """What would be wrong among the shapes together that is not wrong already."""
    files = {kind: f"{kind}.geojson" for kind in LayerKind} | {LayerKind(drawing.kind): drawing.file_name}
    was, would_be = Report(), Report(items=list(report.items))
    check_park(before, files, was)
    check_park(after, files, would_be)
    known = {(i.word, i.feature, repr(i.facts)) for i in was.items}
    new = would_be.items[len(report.items) :]
    report.items += [i for i in new if (i.word, i.feature, repr(i.facts)) not in known]


def _digest(
    drawing: Drawing, features: tuple[Feature, ...], changes: tuple[Change, ...], report: Report
) -> str:
    told = [
        drawing.file_sha256,
        sorted(feature_hash(f) for f in features),
        [[str(c.word), feature_hash(c.feature), [feature_hash(p) for p in c.left]] for c in changes],
        [[r.feature, list(r.words), r.before_m2, r.after_m2] for r in report.repairs],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _write(session: Session, seen: Review, now: datetime) -> None:
    """Old versions that give way are withdrawn first; the exclusion constraint watches."""
    gone = [
        feature_hash(c.feature)
        for c in seen.changes
        if c.word in (SuccessionWord.ENDS, SuccessionWord.REPLACED)
    ]
    park_id, kind = seen.drawing.park_id, seen.drawing.kind
    former = {
        row.sha256: row.drawing_id
        for row in session.scalars(
            select(LayerVersion).where(LayerVersion.park_id == park_id, LayerVersion.sha256.in_(gone))
        )
    }
    session.execute(
        update(LayerVersion)
        .where(
            LayerVersion.park_id == park_id,
            LayerVersion.kind == kind,
            LayerVersion.withdrawn_at.is_(None),
            LayerVersion.sha256.in_(gone),
        )
        .values(withdrawn_at=now)
    )
    for change in seen.changes:
        for piece in change.left:
            of = former.get(feature_hash(change.feature))
            park_service.add_version(session, park_id, piece, now, of)
        if change.word in (SuccessionWord.NEW, SuccessionWord.FOLLOWS):
            park_service.add_version(session, park_id, change.feature, now, seen.drawing.id)
    row = session.get_one(ParkRow, park_id)
    row.loaded_at = max(now, row.loaded_at + timedelta(microseconds=1))  # what every process looks at
    session.flush()


def _open(session: Session, drawing_id: int) -> Drawing:
    found = session.get(Drawing, drawing_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise Refused(no(Refusal.DRAWING_UNKNOWN))
    if found.state != DrawingState.OPEN:
        raise Refused(no(Refusal.DRAWING_DECIDED))
    return found


def _decide(drawing: Drawing, state: DrawingState, now: datetime, actor: str) -> None:
    drawing.state, drawing.decided_at, drawing.decided_by = state, now, actor
