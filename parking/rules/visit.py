"""The life of a visit: which step is possible in which state, and who may take it. Pure table."""

from __future__ import annotations

from collections.abc import Mapping

from parking.refused import Reason, no
from parking.vocabulary import LoadState, Refusal, VisitState, VisitStep

_S, _T = VisitState, VisitStep

#: (state, step) → next state. CHECK_IN makes the visit; it is no step of an existing one.
TABLE: Mapping[tuple[VisitState, VisitStep], VisitState] = {
    (_S.ARRIVED, _T.ADMIT): _S.ADMITTED,
    (_S.ARRIVED, _T.REFUSE): _S.REFUSED,
    (_S.ADMITTED, _T.PARK): _S.PARKED,
    (_S.ADMITTED, _T.CHECK_OUT): _S.EXITED,
    (_S.PARKED, _T.CALL): _S.CALLED,
    (_S.PARKED, _T.DEPART_BAY): _S.EN_ROUTE_OUT,  # leaves without work
    (_S.PARKED, _T.CHECK_OUT): _S.EXITED,
    (_S.CALLED, _T.DEPART_BAY): _S.EN_ROUTE_IN,
    (_S.EN_ROUTE_IN, _T.REACH_DOCK): _S.AT_DOCK,
    (_S.AT_DOCK, _T.FINISH_WORK): _S.WORK_DONE,
    (_S.AT_DOCK, _T.LEAVE_DOCK): _S.EN_ROUTE_OUT,  # the plant refused: goes with what it brought
    (_S.WORK_DONE, _T.LEAVE_DOCK): _S.EN_ROUTE_OUT,
    (_S.EN_ROUTE_OUT, _T.PARK): _S.PARKED,  # parked again in its own bay
    (_S.EN_ROUTE_OUT, _T.CHECK_OUT): _S.EXITED,
}

#: Decisions of the park, never of the driver.
STAFF_STEPS = frozenset({_T.ADMIT, _T.REFUSE, _T.CALL})

#: States from which leaving the park must be seen by staff: the vehicle may still stand in its bay, and a
#: driver's word alone must not make a bay look free.
STAFF_MUST_SEE_EXIT = frozenset({_S.ADMITTED, _S.PARKED})


def move(
    state: VisitState, step: VisitStep, load_state: LoadState, by_driver: bool
) -> tuple[VisitState | None, tuple[Reason, ...]]:
    """The next state, or None and every reason why not."""
    following = TABLE.get((state, step))
    if following is None:
        return None, (no(Refusal.STEP_ILLEGAL, step=step, state=state),)
    reasons = tuple(_against(state, step, load_state, by_driver))
    return (None if reasons else following), reasons


def _against(state: VisitState, step: VisitStep, load_state: LoadState, by_driver: bool) -> list[Reason]:
    reasons = []
    if by_driver and (step in STAFF_STEPS or (step is _T.CHECK_OUT and state in STAFF_MUST_SEE_EXIT)):
        reasons.append(no(Refusal.STEP_NOT_YOURS, step=step))
    if step is _T.PARK and state is _S.EN_ROUTE_OUT and load_state is not LoadState.LOADED:
        # It came to be filled; what it carries now was never declared for the lot.
        reasons.append(no(Refusal.CARGO_CHANGED))
    return reasons


def steps(state: VisitState, load_state: LoadState, by_driver: bool) -> tuple[VisitStep, ...]:
    """The steps possible now, in the order of the vocabulary."""
    return tuple(step for step in VisitStep if move(state, step, load_state, by_driver)[0] is not None)
