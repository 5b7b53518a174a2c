"""The park's list of dangerous goods, with the origin of every value."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from parking.goods_places import PLACES
from parking.queries import goods
from parking.speech import N_
from parking.vocabulary import Role
from web.gates import gate
from web.store import reading

bp = Blueprint("goods", __name__)
MENU = (("goods.listed", N_("Goods")),)
#: Hits shown at once.
SHOWN = 50
#: Columns whose origin is told, in the order shown.
COLUMNS = (
    ("name_zh", N_("Chinese name")),
    ("name_en", N_("English name")),
    ("hazard_class", N_("Class or division")),
    ("subsidiary", N_("Subsidiary hazards")),
    ("packing_groups", N_("Packing groups")),
    ("erg_guide", N_("ERG guide")),
    ("critical_quantity_t", N_("Critical quantity (GB 18218)")),
    ("traits", N_("Further properties")),
)


@bp.get("/dangerous-goods")
@gate(*Role)
def listed() -> str:
    """Search by number, Chinese name, pinyin initials, English or a name people say (``q``)."""
    asked = request.args.get("q", "").strip()[:60]
    with reading() as session:
        total, found = goods.count(session), goods.search(session, asked, SHOWN)
    return render_template("goods.html", total=total, found=found, typed=asked, shown=SHOWN)


@bp.get("/dangerous-goods/<un_number>")
@gate(*Role)
def one(un_number: str) -> str:
    """One entry: every value and where it was read."""
    with reading() as session:
        found = goods.by_number(session, un_number[:4])
    if found is None or len(un_number) != 4:
        abort(404)
    return render_template("goods_one.html", g=found, columns=COLUMNS, places=PLACES)
