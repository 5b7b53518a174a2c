"""The booking form, wherever it is shown: to a driver, to the guard for a walk-in, to mend a booking."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import render_template

from parking import clock
from parking.queries import lot as lot_query
from parking.refused import Reason
from parking.vocabulary import DocumentKind, LoadState, Purpose
from web.driver_words import COLOURS_OFFERED, PRIVACY_VERSION
from web.forms import next_slot, picker_value
from web.language import _, name
from web.store import reading


def fresh_fields() -> dict[str, str]:
    """An empty form: the next full slot, four hours."""
    start = next_slot(clock.now())
    return {
        "plate_colour": "2",
        "load_state": LoadState.LOADED.value,
        "window_start": picker_value(start),
        "window_end": picker_value(start + timedelta(hours=4)),
        "idempotency_key": secrets.token_urlsafe(24),
    }


def render_form(template: str, fields: Mapping[str, str], reasons: Sequence[Reason] = (), **more: Any) -> str:
    """The form as typed, with every reason beside its field."""
    with reading() as session:
        enterprises = sorted(lot_query.enterprises(session))
    return render_template(
        template,
        fields=fields,
        reasons=reasons,
        enterprises=enterprises,
        colours=[(number, _(label)) for number, label in COLOURS_OFFERED],
        load_states=[(word.value, name(word)) for word in LoadState],
        document_kinds=[(kind.value, name(kind)) for kind in DocumentKind],
        purposes=[(word.value, name(word)) for word in Purpose],
        privacy_version=PRIVACY_VERSION,
        **more,
    )
