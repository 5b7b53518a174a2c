"""Making a plan that was asked for: read the day, plan, write each better one down where the page sees it.

A worker that dies leaves the plan unmade; the next ring begins it again. Nothing is locked while it computes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from parking import clock
from parking.queries import planning as asked
from parking.rules.plan import Plan
from parking.services import planning

LOG = logging.getLogger(__name__)
#: Below the time limit of a task, with room for reading and writing.
LONGEST_S = 30.0


def make_one(transaction: Callable[[], AbstractContextManager[Session]]) -> bool:
    """Make the oldest plan that is asked for; False when there is none."""
    with transaction() as session:
        run = asked.due(session)
        if run is None:
            return False
        run_id, lot_id, day, budget = run.id, run.lot_id, run.day, min(run.budget_s, LONGEST_S)
    try:
        with transaction() as session:
            read = planning.read_day(session, lot_id, day, clock.now())

        def better(made: Plan) -> None:
            with transaction() as session:
                planning.store(session, run_id, read, made, clock.now(), finished=False)

        made = planning.make(read, budget, better)
        with transaction() as session:
            planning.store(session, run_id, read, made, clock.now(), finished=True)
    except Exception as error:
        LOG.exception("plan %s failed", run_id)
        with transaction() as session:
            planning.fail(session, run_id, clock.now(), str(error))
    return True
