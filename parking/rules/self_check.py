"""Rows of the entry checklist the product answers by itself, beside what a person answers. Pure.

A person may be stricter than the product, never milder, unless two persons have set its finding aside.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.refused import Reason, no
from parking.rules.checklist import Answer
from parking.vocabulary import Advice, CheckResult, Refusal


@dataclass(frozen=True, slots=True)
class Finding:
    """What the product found and why. ``result`` None: it cannot tell, a person has to.

    ``marks`` name what speaks against the vehicle, so that setting it aside covers nothing that comes later.
    """

    result: CheckResult | None
    reasons: tuple[Reason, ...]
    marks: frozenset[str] = frozenset()

    def stands(self, aside: Set[str]) -> bool:
        """Whether it is a failure that was not set aside."""
        return self.result is CheckResult.FAIL and not self.marks <= aside


def blacklist(banned: Sequence[Reason], open_violations: int) -> Finding:
    """Whether somebody of the booking is banned; with violations nobody has answered yet a person decides."""
    if banned:
        return Finding(CheckResult.FAIL, tuple(banned), frozenset(map(ban_mark, banned)))
    if open_violations:
        return Finding(None, (no(Advice.VIOLATIONS_OPEN, count=open_violations),))
    return Finding(CheckResult.PASS, (no(Advice.NOT_BANNED),))


def ban_mark(reason: Reason) -> str:
    """One entry of the blacklist as a mark; another term of the same name is another one."""
    return f"{reason.word}:{reason.facts['name']}:{reason.facts['until'].isoformat()}"


def terminal(plate: str, heard_at: datetime | None, now: datetime, silence_s: float) -> Finding:
    """Whether the vehicle's terminal told a believed position within the last ``silence_s`` seconds."""
    if heard_at is None:
        word = no(Refusal.TERMINAL_UNHEARD)
    elif now - heard_at > timedelta(seconds=silence_s):
        word = no(Refusal.TERMINAL_SILENT, heard_at=heard_at, minutes=f"{silence_s / 60:g}")
    else:
        return Finding(CheckResult.PASS, (no(Advice.TERMINAL_HEARD, heard_at=heard_at),))
    return Finding(CheckResult.FAIL, (word,), frozenset({f"{Refusal.TERMINAL_SILENT}:{plate}"}))


def together(finding: Finding | None, given: Answer | None, aside: Set[str]) -> Answer | None:
    """What counts of a finding and of a person's answer: the stricter. None: still open."""
    if finding is None or finding.result is None:
        return given
    if given is not None and given.result is CheckResult.FAIL:
        return given
    if finding.stands(aside):
        return Answer(CheckResult.FAIL)
    return Answer(CheckResult.PASS) if finding.result is CheckResult.PASS else given
