"""The life of a visit: which step is possible in which state, and who may take it. Pure table."""

from __future__ import annotations

from collections.abc import Mapping

from parking.refused import Reason, no
from parking.vocabulary import AT_GATE, INSIDE, Refusal, VisitState, VisitStep

_S, _T = VisitState, VisitStep
_TURNS_BACK = (_S.ADMITTED, _S.MISSING, _S.PARKED, _S.CALLED, _S.EN_ROUTE_IN)

#: (state, step) → next state. CHECK_IN makes the visit (ARRIVED, or WAITING_OUTSIDE when early).
TABLE: Mapping[tuple[VisitState, VisitStep], VisitState] = {
    # at the gate
    (_S.WAITING_OUTSIDE, _T.OPEN_WINDOW): _S.ARRIVED,
    (_S.ARRIVED, _T.INSPECT): _S.INSPECTED,
    (_S.INSPECTED, _T.QUEUE): _S.QUEUED,
    **{(s, _T.ADMIT): _S.ADMITTED for s in (_S.ARRIVED, _S.INSPECTED, _S.QUEUED)},
    **{(s, _T.REFUSE): _S.REFUSED for s in AT_GATE},
    **{(s, _T.CANCEL_STAY): _S.EXITED for s in AT_GATE},
    # into the bay
    **{(s, _T.PARK): _S.PARKED for s in (_S.ADMITTED, _S.MISSING, _S.EN_ROUTE_OUT, _S.WASHING, _S.ISOLATED)},
    (_S.ADMITTED, _T.GO_MISSING): _S.MISSING,
    # to the dock and back
    (_S.PARKED, _T.CALL): _S.CALLED,
    (_S.CALLED, _T.MISS_CALL): _S.PARKED,
    (_S.CALLED, _T.DEPART_BAY): _S.EN_ROUTE_IN,
    (_S.EN_ROUTE_IN, _T.REACH_DOCK): _S.AT_DOCK,
    (_S.AT_DOCK, _T.FINISH_WORK): _S.WORK_DONE,
    (_S.AT_DOCK, _T.REFUSE_WORK): _S.EN_ROUTE_OUT,  # the plant refused: goes with what it brought
    (_S.AT_DOCK, _T.LEAVE_DOCK): _S.EN_ROUTE_OUT,
    (_S.WORK_DONE, _T.LEAVE_DOCK): _S.EN_ROUTE_OUT,
    # out
    **{(s, _T.DEPART_BAY): _S.EN_ROUTE_OUT for s in (_S.PARKED, _S.WASHING, _S.ISOLATED)},
    **{(s, _T.CANCEL_STAY): _S.EN_ROUTE_OUT for s in _TURNS_BACK},
    **{(s, _T.WASH): _S.WASHING for s in (_S.PARKED, _S.EN_ROUTE_OUT)},
    **{
        (s, _T.CHECK_OUT): _S.EXITED
        for s in (
            *(_S.ADMITTED, _S.MISSING, _S.PARKED, _S.EN_ROUTE_OUT),
            *(_S.WASHING, _S.ISOLATED, _S.EVACUATED),
        )
    },
    (_S.EXITED, _T.CLOSE): _S.CLOSED,
    (_S.EXITED, _T.CLOSE_INFERRED): _S.CLOSED_INFERRED,
    # what may happen anywhere
    **{(s, _T.ISOLATE): _S.ISOLATED for s in (INSIDE | AT_GATE) - {_S.ISOLATED, _S.WAITING_OUTSIDE}},
    **{(s, _T.EVACUATE): _S.EVACUATED for s in INSIDE},
    (_S.EVACUATED, _T.COME_BACK): _S.ARRIVED,  # everything is checked again
}

#: What a driver may do himself; all else is the park's decision.
DRIVER_STEPS = frozenset(
    {_T.CHECK_IN, _T.PARK, _T.DEPART_BAY, _T.REACH_DOCK, _T.FINISH_WORK, _T.LEAVE_DOCK, _T.CHECK_OUT}
)
#: States from which only staff may move a vehicle: it may still stand in its bay, and a driver's word alone
#: must not make a bay look free; or it stands apart for a reason.
_STAFF_ONLY: Mapping[VisitState, frozenset[VisitStep]] = {
    **{s: frozenset({_T.CHECK_OUT}) for s in (_S.ADMITTED, _S.MISSING, _S.PARKED)},
    _S.ISOLATED: frozenset(VisitStep),
    _S.EVACUATED: frozenset(VisitStep),
    _S.WASHING: frozenset({_T.PARK}),
}
#: Steps a restraint (暂扣) keeps back. Leaving in an emergency, isolation and refusal are never kept back.
RESTRAINED_STEPS = frozenset({_T.CALL, _T.DEPART_BAY, _T.CHECK_OUT, _T.CANCEL_STAY, _T.LEAVE_DOCK})
#: Steps a weather hold keeps back: coming in, and going on to a dock from the bay it stands in. Who is inside
#: stays where it is; leaving, isolation and evacuation are never kept back.
HELD_BY_WEATHER = frozenset(
    {
        *((s, _T.ADMIT) for s in AT_GATE),
        (_S.PARKED, _T.CALL),
        (_S.CALLED, _T.DEPART_BAY),
    }
)
#: Steps after which a vehicle comes to a bay with what it carries now.
TO_BAY = frozenset({_T.ADMIT, _T.PARK})


def move(
    state: VisitState, step: VisitStep, declared: bool, by_driver: bool
) -> tuple[VisitState | None, tuple[Reason, ...]]:
    """The next state, or None and every reason why not.

    ``declared``: what the vehicle carries now is on record; after the dock it may not be.
    """
    following = TABLE.get((state, step))
    if following is None:
        return None, (no(Refusal.STEP_ILLEGAL, step=step, state=state),)
    reasons = tuple(_against(state, step, declared, by_driver))
    return (None if reasons else following), reasons


def _against(state: VisitState, step: VisitStep, declared: bool, by_driver: bool) -> list[Reason]:
    reasons = []
    if by_driver and (step not in DRIVER_STEPS or step in _STAFF_ONLY.get(state, frozenset())):
        reasons.append(no(Refusal.STEP_NOT_YOURS, step=step))
    if step is _T.PARK and not declared:
        # It came to be filled; what it carries now was never declared for the lot.
        reasons.append(no(Refusal.CARGO_CHANGED))
    return reasons


def steps(state: VisitState, declared: bool, by_driver: bool) -> tuple[VisitStep, ...]:
    """The steps possible now, in the order of the vocabulary."""
    return tuple(step for step in VisitStep if move(state, step, declared, by_driver)[0] is not None)
