"""Lots and days to plan, drawn from a seed: class zones of two rows of bays, arrivals in two waves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from parking.rules.plan import plan
from parking.rules.plan_problem import PlanBay, PlanStay, Problem, Weights
from parking.rules.segregation import Load, Substance, between

#: Loads of a coking park: class, subsidiary hazards, substance, share of the day, tonnes/critical tonnes.
LOADS: Sequence[tuple[str, tuple[str, ...], str | None, float, float]] = (
    ("3", (), "1114", 22, 30 / 50),
    ("3", (), "1203", 14, 30 / 200),
    ("3", ("6.1",), "1230", 14, 30 / 500),
    ("3", (), None, 8, 30 / 1000),
    ("2.1", (), "1972", 8, 20 / 50),
    ("2.1", (), "1075", 4, 20 / 50),
    ("2.3", ("8",), "1005", 7, 25 / 10),
    ("2.2", ("5.1",), "1073", 5, 25 / 200),
    ("8", (), "1830", 8, 0.0),
    ("8", (), "1824", 5, 0.0),
    ("6.1", (), "1671", 4, 30 / 500),
    ("5.1", (), "1942", 3, 30 / 300),
    ("4.1", (), "2304", 4, 0.0),
    ("9", (), "3257", 4, 0.0),
)
#: Zones of the lot by what they take, and their share of the bays.
ZONES: Sequence[tuple[str, tuple[str, ...], float]] = (
    ("A", ("3",), 0.30),
    ("B", ("3",), 0.20),
    ("C", ("2.1",), 0.12),
    ("D", ("2.3", "2.2"), 0.12),
    ("E", ("6.1",), 0.06),
    ("F", ("8", "9"), 0.12),
    ("G", ("5.1",), 0.04),
    ("H", ("4.1", "9"), 0.04),
)
#: Bays 4 × 20 m, 0.5 m between them, two rows back to back, a lane before every other row, and
#: 25 m between zones, as the rules would have a lot drawn.
PITCH, LENGTH, LANE, BETWEEN, ROW = 4.5, 20.0, 15.0, 25.0, 22


def lot(bays: int) -> tuple[list[PlanBay], list[tuple[str, ...]], list[shapely.Geometry]]:
    """(bays, classes each takes, outlines in metres)."""
    made, takes, shapes, y = [], [], [], 0.0
    for zone, classes, share in ZONES:
        for n in range(round(bays * share)):
            row, column = divmod(n, ROW)
            if n and column == 0:
                y += LENGTH + (1.0 if row % 2 else LANE)
            shapes.append(shapely.box(column * PITCH, y, column * PITCH + 4.0, y + LENGTH))
            made.append(PlanBay(len(made) + 1, f"{zone}{n + 1:03d}", zone))
            takes.append(classes)
        y += LENGTH + BETWEEN
    return made, takes, shapes


def day(bays: int, bookings: int, seed: int, told: float = 0.1, standing: float = 0.02) -> Problem:
    """A day: bookings of 1 to 5 hours in two waves, some drivers told, some vehicles standing."""
    luck = random.Random(seed)
    places, takes, shapes = lot(bays)
    kinds = [Load((Substance(c, s, un, un is not None, "II"),)) for c, s, un, _, _ in LOADS]
    drawn = luck.choices(range(len(LOADS)), [share for *_, share, _ in LOADS], k=bookings)
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    docks = [np.array([luck.uniform(-900, 1500), luck.uniform(-700, 1800)]) for _ in range(12)]
    gate = np.array([-250.0, -80.0])
    metres = np.full((bookings, len(places)), np.inf)
    stays = []
    for i, kind in enumerate(drawn):
        begin = int(np.clip(luck.gauss(luck.choice((8.5, 14.5)), 2.2), 0, 22) * 12) * 300
        length = int(luck.triangular(1, 5, 2) * 12) * 300
        dock = docks[luck.randrange(12)]
        way = np.linalg.norm(centres - gate, axis=1) + np.linalg.norm(centres - dock, axis=1)
        fits = np.array([LOADS[kind][0] in classes for classes in takes])
        metres[i, fits] = way[fits]
        stays.append(PlanStay(i + 1, begin, begin + length, kind, LOADS[kind][4]))
    needs = np.array([[between(a, b).needed_m for b in kinds] for a in kinds])
    apart = shapely.distance(np.array(shapes)[:, None], np.array(shapes)[None, :])
    problem = Problem(places, stays, metres, apart, needs, float("inf"), {}, Weights())
    return _some_known(problem, luck, told, standing)


def _some_known(problem: Problem, luck: random.Random, told: float, standing: float) -> Problem:
    """Some of the day is settled: drivers told by the plan of the evening before, vehicles that stand."""
    at = plan(problem, 0.0).at
    stays = list(problem.stays)
    placed = [i for i, bay in enumerate(at) if bay >= 0]
    early = sorted(placed, key=lambda i: stays[i].begin)[: round(len(stays) * standing)]
    for i in early:
        stays[i] = replace(stays[i], fixed=at[i])
    late = sorted(set(placed) - set(early))
    for i in luck.sample(late, round(len(stays) * told)):
        stays[i] = replace(stays[i], told=at[i])
    return replace(problem, stays=stays)
