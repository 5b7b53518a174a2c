"""What two persons together may override, and what nobody may. Pure.

Never: who stands too near whom (segregation), goods nobody knows, classes 1 and 7, the isolation bay, a bay
that is taken or out of service, a weather hold. The limit of the q/Q indicator only where the park has said
so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from parking.refused import Reason
from parking.rules.policy import Policy
from parking.vocabulary import OverrideState, Refusal

_ALWAYS = frozenset({Refusal.BAY_CLASS, Refusal.BAY_LOAD_STATE, Refusal.HOURS_FORBIDDEN})
_INDEX = frozenset({Refusal.INDEX_LOT, Refusal.INDEX_ZONE})
#: Roles that may answer: another duty than the one that asks.
MAY_ANSWER = frozenset({"supervisor"})
MAY_ASK = frozenset({"dispatcher"})


def overridable(policy: Policy) -> frozenset[Refusal]:
    """The refusals two persons may set aside in this park."""
    return _ALWAYS | (_INDEX if policy.index_override else frozenset())


def beyond(reasons: Iterable[Reason], policy: Policy) -> tuple[Reason, ...]:
    """The reasons nobody may override."""
    return tuple(r for r in reasons if r.word not in overridable(policy))


def left(reasons: Iterable[Reason], granted: Iterable[str]) -> tuple[Reason, ...]:
    """The reasons that stand although ``granted`` words were set aside."""
    aside = set(granted)
    return tuple(r for r in reasons if str(r.word) not in aside)


def usable(state: str, expires_at: datetime, now: datetime) -> bool:
    """Whether a granted override may still be used, once."""
    return state == OverrideState.GRANTED and now < expires_at
