"""Who signs on is looked up together with all who sign on at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workers.gateway.reports import answer
from workers.jt808 import bulk
from workers.jt808.general import Result

if TYPE_CHECKING:
    from workers.gateway.server import Gateway
    from workers.gateway.session import Session

#: As many codes are looked up in one statement.
MOST = 2000

#: A moment for others to come, seconds.
GATHER_S = 0.005

Claim = tuple[str, str]
Decided = Callable[[bool | None], None]


class Signing:
    """Codes shown and not yet looked up. None is the answer when the database could not give one."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._single: list[tuple[Claim, asyncio.Future[bool | None]]] = []
        self._plain: list[tuple[Session, bytes, int, str]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, phone: str, code: str) -> bool | None:
        """Whether ``code`` is the one we issued to this phone."""
        decided: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._single.append(((phone, code), decided))
        self._start()
        return await decided

    def show(self, session: Session, phone: bytes, serial: int, code: str) -> None:
        """A plain 0x0102; its connection waits and is answered here."""
        session.waiting += 1
        self._plain.append((session, phone, serial, code))
        self._start()

    def _start(self) -> None:
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._single or self._plain:
            await asyncio.sleep(GATHER_S)
            single, self._single = self._single[:MOST], self._single[MOST:]
            plain, self._plain = self._plain[:MOST], self._plain[MOST:]
            claims = [claim for claim, _ in single] + [(p.hex(), code) for _, p, _, code in plain]
            good = await self._gateway.ask(self._gateway.sink.authenticate, claims)
            found: Sequence[bool | None] = good if good is not None else [None] * len(claims)
            for (_, decided), result in zip(single, found, strict=False):
                if not decided.done():
                    decided.set_result(result)
            self._answer(plain, found[len(single) :])

    def _answer(self, plain: Sequence[tuple[Session, bytes, int, str]], found: Sequence[bool | None]) -> None:
        told: dict[bool, list[tuple[Session, bytes, int]]] = {True: [], False: []}
        for (session, phone, serial, _), good in zip(plain, found, strict=True):
            session.waiting -= 1
            if good:
                session.sign(phone)
            if good is not None:
                told[good].append((session, phone, serial))
        for good, rows in told.items():
            if rows:
                sessions, phones, serials = zip(*rows, strict=True)
                result = Result.OK if good else Result.FAILED
                answer(sessions, phones, np.array(serials, np.uint16), bulk.SIGN_ON, result)
        for (session, phone, *_), good in zip(plain, found, strict=True):
            session.signed_on(phone, good)
            session.go_on()
