"""Warnings of the weather service (预警): written down (转录), lifted, or ended by their hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import WarningRow
from parking.queries import lot as lots
from parking.queries import warnings as queries
from parking.queries.lot import LotRules
from parking.refused import Reason, Refused, no
from parking.rules import booking as life
from parking.rules import weather as rules
from parking.services import audit, holding
from parking.vocabulary import Refusal, WarningField, WarningLevel, WeatherKind

_F = WarningField


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A warning as somebody received it. ``since`` None: from now; ``until`` None: until it is lifted."""

    kind: str
    level: WarningLevel
    issuer: str
    original: str
    since: datetime | None = None
    until: datetime | None = None


def kinds(set_by: LotRules) -> list[str]:
    """Kinds a warning may be of: those every park knows, and those the park's own rules name."""
    own = {r.kind for r in set_by.rules.weather if r.kind != rules.ANY and len(r.kind) <= 40}
    return [*WeatherKind, *sorted(own - set(WeatherKind))]


def enter(session: Session, told: Bulletin, now: datetime, actor: str, source: str) -> WarningRow:
    """Write down a warning; from its begin it holds the classes the park's list names. Raises Refused.

    The same warning written down twice is one, for as long as the longer of the two. The lot row is
    locked: whoever is being let in at this moment is in before the warning counts, or is held.
    """
    _may(actor)
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    set_by = lots.rules_of(session, lot_id)
    issuer, original = told.issuer.strip()[:120], told.original.strip()[:2000]
    if wrong := _wrong(told, issuer, original, kinds(set_by), now):
        raise Refused(*wrong)
    since, level = told.since or now, WarningLevel(told.level)
    classes = list(rules.held_classes(told.kind, level, set_by.rules.weather))
    made = WarningRow(
        level=level, kind=told.kind, issuer=issuer, original=original, classes=classes, since=since,
        until=told.until, entered_at=now, entered_by=actor,
    )  # fmt: skip
    known = _known(session, made, now)
    if known is not None:
        return _prolong(session, known, since, told.until, now, actor, source)
    session.add(made)
    session.flush()
    facts = {"level": level, "kind": told.kind, "issuer": issuer, "classes": classes}
    audit.record(session, actor, "warning", "warning", made.id, now, source, **facts)
    return made


def lift(session: Session, warning_id: int, why: str, now: datetime, actor: str, source: str) -> WarningRow:
    """End a warning now, with the reason. Lifting it twice changes nothing. Raises Refused."""
    _may(actor)
    found = session.get(WarningRow, warning_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise Refused(no(Refusal.WARNING_UNKNOWN))
    if queries.warned(found).over(now):
        return found
    if not why.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    found.lifted_at, found.lifted_by = now, actor
    session.flush()
    facts = {"why": why.strip()[:500]}
    audit.record(session, actor, "warning_lifted", "warning", found.id, now, source, **facts)
    return found


def sweep(session: Session, now: datetime) -> int:
    """Put on record which warnings have ended by themselves; they held nobody since. Returns how many."""
    due = session.scalars(
        select(WarningRow)
        .where(WarningRow.until <= now, WarningRow.lifted_at.is_(None))
        .order_by(WarningRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in due:
        row.lifted_at, row.lifted_by = row.until, "system"
        audit.record(session, "system", "warning_ended", "warning", row.id, now, "sweep")
    session.flush()
    return len(due)


def _may(actor: str) -> None:
    if life.who(actor) not in rules.MAY_ENTER:
        raise Refused(no(Refusal.WARNING_NOT_YOURS))


def _wrong(told: Bulletin, issuer: str, original: str, known: list[str], now: datetime) -> list[Reason]:
    texts = ((_F.ISSUER, issuer), (_F.ORIGINAL, original))
    wrong = [_field(Refusal.FIELD_MISSING, name) for name, text in texts if not text]
    choices = ((_F.KIND, told.kind, known), (_F.LEVEL, told.level, list(WarningLevel)))
    wrong += [_field(Refusal.CHOICE_UNKNOWN, name) for name, word, words in choices if word not in words]
    times = ((_F.SINCE, told.since or now), (_F.UNTIL, told.until))
    naive = [name for name, at in times if at is not None and at.tzinfo is None]
    wrong += [_field(Refusal.TIME_MALFORMED, name) for name in naive]
    if not naive and told.until is not None and told.until <= max(told.since or now, now):
        wrong.append(no(Refusal.WARNING_OVER, _F.UNTIL))
    return wrong


def _field(word: Refusal, name: WarningField) -> Reason:
    return Reason(word, {"field": name}, name)


def _known(session: Session, made: WarningRow, now: datetime) -> WarningRow | None:
    """The same warning, written down before and neither over nor apart in time. The lot is locked."""
    same = select(WarningRow).where(
        WarningRow.kind == made.kind,
        WarningRow.level == made.level,
        WarningRow.issuer == made.issuer,
        WarningRow.original == made.original,
        WarningRow.classes == made.classes,
    )
    for row in session.scalars(same.order_by(WarningRow.id).with_for_update()):
        apart = (row.until and row.until < made.since) or (made.until and made.until < row.since)
        if not apart and not queries.warned(row).over(now):
            return row
    return None


def _prolong(
    session: Session, row: WarningRow, since: datetime, until: datetime | None, now: datetime, actor: str,
    source: str,
) -> WarningRow:  # fmt: skip
    """Let a warning count in either of two periods that meet."""
    longer = min(row.since, since), max(row.until, until) if row.until and until else None
    if longer != (row.since, row.until):
        row.since, row.until = longer
        session.flush()
        told = {"since": longer[0].isoformat(), "until": longer[1].isoformat() if longer[1] else None}
        audit.record(session, actor, "warning_prolonged", "warning", row.id, now, source, **told)
    return row
