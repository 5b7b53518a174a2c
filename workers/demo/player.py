"""Plays the recorded day: the clock runs only as fast as the house keeps up.

Park time advances in slices. Before a slice begins, everything the slice before asked for has been done:
frames acknowledged after their commit, forms answered. So a slow machine makes the day longer, never wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from parking.clock import DemoClock
from workers.demo.day import ZONE, Day, Truck, Waiting, restamped
from workers.demo.people import Dispatcher, Driver, Enterprise, Guard, NotPossible
from workers.jt808.framing import unescape
from workers.jt808.header import split
from workers.jt808.messages import decode
from workers.terminal import Rejected, Terminal, Unanswered

#: Seconds of park time in one slice, and how many of them pass in a second while the day plays.
SLICE_S = 20.0
RATE = 60.0
ATTEMPTS = 6
BREATH_S = 1.5
#: What the park must refuse: the demo tries it once, by the real form.
REFUSED_CARGO = {"un_number": "9999"}


@dataclass
class Tally:
    """What was done, for the summary."""

    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def trouble(self, what: str) -> None:
        self.counts["troubles"] += 1
        self.troubles.append(what)


@dataclass
class Crew:
    """The people of the park and of its enterprises, each signed in."""

    dispatcher: Dispatcher
    guard: Guard
    enterprises: Mapping[str, Enterprise]


@dataclass
class Doors:
    """Where the house listens."""

    base: str
    host: str
    port: int


class Pace:
    """Park time, in slices, through the demo clock file. It never runs backwards."""

    def __init__(self, path: Path, clock: DemoClock, rate: float) -> None:
        self.path, self.rate, self._clock = path, rate, clock

    async def until(self, park: float) -> None:
        """Let park time run on to ``park`` (seconds since 1970) at the demo's rate, then at rate 1."""
        real = time.time()
        begun = self._clock.at(real)
        self._set(DemoClock(real, begun, self.rate, max(begun, park), playing=True))
        await asyncio.sleep(max(0.0, (park - begun) / self.rate))

    def leap(self, park: float) -> None:
        """Forward at once."""
        real = time.time()
        begun = max(park, self._clock.at(real))
        self._set(DemoClock(real, begun, 1.0, begun, playing=True))

    def rest(self) -> None:
        """The day is over: from here park time runs as fast as real time."""
        real = time.time()
        begun = self._clock.at(real)
        self._set(DemoClock(real, begun, 1.0, begun))

    def _set(self, clock: DemoClock) -> None:
        clock.write(self.path)
        self._clock = clock


Act = tuple[float, Callable[[], Awaitable[None]]]


class Player:
    """One playing of the day, beginning at the next time its first minute comes round."""

    def __init__(self, day: Day, doors: Doors, crew: Crew, tally: Tally) -> None:
        self.day, self.doors, self.tally, self.crew = day, doors, tally, crew
        self.shift = timedelta()
        self._numbers: dict[str, str] = {}
        self._drivers: dict[str, Driver] = {}
        self._terminals: dict[str, Terminal] = {}

    async def play(self, path: Path, clock: DemoClock, rate: float = RATE) -> None:
        begin = self.begin_after(datetime.fromtimestamp(clock.at(time.time()), UTC))
        self.shift = begin - (self.day.midnight + timedelta(seconds=self.day.begins))
        pace = Pace(path, clock, rate)
        pace.leap(begin.timestamp())
        acts = sorted(self._acts(), key=lambda act: act[0])
        try:
            await self._run(pace, acts)
        finally:
            pace.rest()
            for terminal in self._terminals.values():
                await terminal.close()

    async def _run(self, pace: Pace, acts: list[Act]) -> None:
        at = self.day.begins
        while at < self.day.ends:
            at += SLICE_S
            await pace.until((self.day.midnight + self.shift + timedelta(seconds=at)).timestamp())
            due = [act for act in acts if act[0] <= at]
            acts = acts[len(due) :]
            await self._do(due)

    def begin_after(self, now: datetime) -> datetime:
        """The next time of day at which the recording begins."""
        local = now.astimezone(ZONE)
        begin = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=self.day.begins)
        return (begin if begin >= local else begin + timedelta(days=1)).astimezone(UTC)

    def _acts(self) -> list[Act]:
        acts: list[Act] = []
        for truck in self.day.trucks:
            acts += [(s.at, partial(self._say, truck, s.frame)) for s in truck.said]
            acts += [(at, partial(self._person, truck, what)) for at, what in truck.acts]
        acts += [(w.at, partial(self._wait, w)) for w in self.day.waiting]
        acts.append((self.day.begins + 30, self._refusal))
        return acts

    async def _do(self, due: list[Act]) -> None:
        """In order for each vehicle; vehicles beside one another."""
        lanes: dict[str, list[Act]] = {}
        for act in due:
            lanes.setdefault(_lane(act), []).append(act)
        await asyncio.gather(*(self._lane(acts) for acts in lanes.values()))

    async def _lane(self, acts: list[Act]) -> None:
        for _, do in acts:
            await do()

    async def _say(self, truck: Truck, frame: bytes) -> None:
        moved = restamped(frame, self.shift)
        try:
            await self._insist(truck, moved)
            self.tally.counts["frames acknowledged"] += 1
        except (Unanswered, Rejected, OSError) as error:
            self.tally.trouble(f"{truck.plate}: {error}")

    async def _insist(self, truck: Truck, frame: bytes) -> None:
        """Send until it is answered with 0, over a new connection when the old one is lost."""
        for attempt in range(ATTEMPTS):
            try:
                terminal = await self._terminal(truck, frame)
                header, _ = split(unescape(frame[1:-1])[:-1])
                if header.message_id == 0x0100 or await terminal.send_raw(frame) == 0:
                    return
            except (Unanswered, OSError):
                if attempt == ATTEMPTS - 1:
                    raise
            await asyncio.sleep(BREATH_S)
        raise Unanswered("refused by the platform")

    async def _terminal(self, truck: Truck, frame: bytes) -> Terminal:
        """The truck's connection, opened (registered, authenticated) when there is none."""
        terminal = self._terminals.get(truck.phone)
        if terminal is None:
            said = decode(unescape(truck.said[0].frame[1:-1])[:-1]).value
            terminal = Terminal(
                self.doors.host,
                self.doors.port,
                truck.phone,
                said.plate,
                said.colour,
                truck.version,  # type: ignore[union-attr]
            )
            self._terminals[truck.phone] = terminal
        if not terminal.connected:
            await terminal.sign_on()
            self.tally.counts["sign-ons"] += 1
        return terminal

    async def _person(self, truck: Truck, what: str) -> None:
        await self._try(f"{truck.plate} {what}", partial(self._act, truck, what))

    async def _try(self, what: str, do: Callable[[], Any]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await asyncio.to_thread(do)
            except (NotPossible, OSError) as error:
                if (isinstance(error, NotPossible) and ": 5" not in str(error)) or attempt == ATTEMPTS - 1:
                    self.tally.trouble(f"{what}: {error}")
                    return
                await asyncio.sleep(BREATH_S)
            else:
                self.tally.counts[what.split()[-1]] += 1
                return

    def _act(self, truck: Truck, what: str) -> None:
        if what == "book":
            self._book(truck.plate, truck.booking)
        elif what == "assign":
            self._approve(truck.plate, truck.booking, truck.bay)
        elif what == "call":
            self.crew.dispatcher.call(self._number(truck.plate), truck.dock or "")
        elif what in ("admit", "park", "guard_check_out"):
            if what == "admit":
                self.crew.guard.inspect(self._number(truck.plate), self._paper_day())
            self.crew.guard.step(self._number(truck.plate), what.removeprefix("guard_"))
        else:
            self._number(truck.plate)
            self._drivers[truck.plate].step(what, self._filled(truck) if what == "finish_work" else None)

    def _approve(self, plate: str, booking: Mapping[str, str], bay: str | None = None) -> None:
        """Both agree: the enterprise expects the vehicle, the dispatcher gives it a bay, ``bay`` if said."""
        number = self._number(plate)
        self.crew.enterprises[booking["enterprise"]].agree(number)
        self.crew.dispatcher.assign(number, bay)

    def _filled(self, truck: Truck) -> dict[str, str] | None:
        """What a vehicle that came empty says it carries when it is filled."""
        if truck.booking["load_state"] == "loaded":
            return None
        un = truck.booking["un_number"]
        return {
            "load_state": "loaded",
            "un_number": un,
            "mass_kg": "25000",
            "waybill_out": f"YDO{truck.plate[1:]}",
        }

    def _paper_day(self) -> str:
        """Until when the papers shown at the gate are valid: well beyond the stay."""
        return (self.day.midnight + self.shift + timedelta(days=180)).astimezone(ZONE).date().isoformat()

    def _number(self, plate: str) -> str:
        """The number of the truck's booking; NotPossible when the park did not take it."""
        if plate not in self._numbers:
            raise NotPossible("it has no booking")
        return self._numbers[plate]

    def _book(self, plate: str, booking: Any) -> None:
        driver = Driver(self.doors.base)
        code = driver.book(self._fields(booking))
        self._drivers[plate] = driver
        self._numbers[plate] = self.crew.guard.find(code)

    def _fields(self, booking: Any) -> dict[str, str]:
        day = (self.day.midnight + self.shift).astimezone(ZONE).date().isoformat()
        serial = (self.day.midnight + self.shift).astimezone(ZONE).strftime("%Y%m%d")
        return {
            **booking,
            "window_start": f"{day}T{booking['window_start']}",
            "window_end": f"{day}T{booking['window_end']}",
            "waybill_no": "YD" + serial + booking["waybill_no"][-4:],
        }

    async def _wait(self, waiting: Waiting) -> None:
        plate = waiting.booking["plate"]
        await self._try(f"{plate} book", partial(self._book, plate, waiting.booking))
        if waiting.assign and plate in self._numbers:
            await self._try(f"{plate} assign", partial(self._approve, plate, waiting.booking))

    async def _refusal(self) -> None:
        """The park refuses goods it does not know, with a sentence."""
        fields = self._fields({**self.day.waiting[0].booking, **REFUSED_CARGO})
        taken = await asyncio.to_thread(Driver(self.doors.base).try_to_book, fields)
        self.tally.counts["refusals"] += not taken
        if taken:
            self.tally.trouble("a booking of unknown goods was taken")


def _lane(act: Act) -> str:
    """Acts of one vehicle stay in order."""
    first = act[1].args[0] if isinstance(act[1], partial) else None
    return first.plate if isinstance(first, Truck) else "others"
