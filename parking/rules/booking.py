"""The life of a booking: which step is possible in which state, and whose it is. Pure table."""

from __future__ import annotations

from collections.abc import Mapping

from parking.refused import Reason, no
from parking.vocabulary import BookingState, BookingStep, Refusal

_S, _T = BookingState, BookingStep

#: (state, step) → next state. A form that is sent begins in SUBMITTED, one that is kept in DRAFT.
TABLE: Mapping[tuple[BookingState, BookingStep], BookingState] = {
    **{(s, _T.SUBMIT): _S.SUBMITTED for s in (_S.DRAFT, _S.RETURNED)},
    (_S.SUBMITTED, _T.ENTERPRISE_APPROVE): _S.ENTERPRISE_APPROVED,
    **{(s, _T.RETURN): _S.RETURNED for s in (_S.SUBMITTED, _S.ENTERPRISE_APPROVED, _S.WAITLISTED)},
    (_S.ENTERPRISE_APPROVED, _T.WAITLIST): _S.WAITLISTED,
    **{
        (s, _T.APPROVE): _S.APPROVED
        for s in (_S.ENTERPRISE_APPROVED, _S.WAITLISTED, _S.APPROVED)  # again: another bay
    },
    (_S.APPROVED, _T.LOSE_BAY): _S.ENTERPRISE_APPROVED,
    **{
        (s, _T.SUSPEND): _S.SUSPENDED for s in (_S.ENTERPRISE_APPROVED, _S.WAITLISTED, _S.APPROVED)
    },  # a suspended booking gives its bay back, so it needs one again
    (_S.SUSPENDED, _T.RESUME): _S.ENTERPRISE_APPROVED,
    **{
        (s, _T.REJECT): _S.REJECTED
        for s in (_S.SUBMITTED, _S.ENTERPRISE_APPROVED, _S.WAITLISTED, _S.APPROVED, _S.SUSPENDED)
    },
    **{
        (s, _T.CANCEL): _S.CANCELLED
        for s in (
            *(_S.DRAFT, _S.RETURNED, _S.SUBMITTED, _S.ENTERPRISE_APPROVED),
            *(_S.WAITLISTED, _S.APPROVED, _S.SUSPENDED),
        )
    },
    **{
        (s, _T.EXPIRE): _S.EXPIRED
        for s in (
            *(_S.DRAFT, _S.RETURNED, _S.SUBMITTED, _S.ENTERPRISE_APPROVED, _S.WAITLISTED, _S.SUSPENDED),
        )
    },
    (_S.APPROVED, _T.MISS): _S.NO_SHOW,
    (_S.APPROVED, _T.ARRIVE): _S.USED,
}

#: Whose each step is. "system" is the house itself: sweeps, and what follows from another's step.
WHOSE: Mapping[BookingStep, frozenset[str]] = {
    _T.SUBMIT: frozenset({"driver", "guard", "dispatcher"}),
    _T.ENTERPRISE_APPROVE: frozenset({"enterprise", "system"}),
    _T.RETURN: frozenset({"enterprise", "dispatcher"}),
    _T.REJECT: frozenset({"enterprise", "dispatcher"}),
    _T.WAITLIST: frozenset({"dispatcher", "system"}),
    _T.APPROVE: frozenset({"dispatcher", "system"}),
    _T.LOSE_BAY: frozenset({"dispatcher", "guard", "supervisor", "system"}),
    _T.SUSPEND: frozenset({"dispatcher", "supervisor", "system"}),
    _T.RESUME: frozenset({"dispatcher", "supervisor", "system"}),
    _T.CANCEL: frozenset({"driver", "guard", "dispatcher"}),
    _T.EXPIRE: frozenset({"system"}),
    _T.MISS: frozenset({"system"}),
    _T.ARRIVE: frozenset({"driver", "guard", "dispatcher"}),
}

#: Once the enterprise has agreed, a booking is the park's business alone.
_ENTERPRISE_HAS_SPOKEN = frozenset(BookingState) - {_S.SUBMITTED}


def who(actor: str) -> str:
    """The kind of actor: ``driver:<code>`` → driver, ``dispatcher:li`` → dispatcher, ``system``."""
    return actor.partition(":")[0]


def move(
    state: BookingState, step: BookingStep, actor: str
) -> tuple[BookingState | None, tuple[Reason, ...]]:
    """The next state, or None and every reason why not."""
    following = TABLE.get((state, step))
    if following is None:
        return None, (no(Refusal.STEP_ILLEGAL, step=step, state=state),)
    mine = who(actor)
    if mine not in WHOSE[step] or (mine == "enterprise" and state in _ENTERPRISE_HAS_SPOKEN):
        return None, (no(Refusal.STEP_NOT_YOURS, step=step),)
    return following, ()


def steps(state: BookingState, actor: str) -> tuple[BookingStep, ...]:
    """The steps possible now for an actor, in the order of the vocabulary."""
    return tuple(step for step in BookingStep if move(state, step, actor)[0] is not None)
