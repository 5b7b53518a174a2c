"""The Celery application: carries numbers of letters and rings sweeps, nothing else.

The broker may lose what it carries; the outbox and its relay send it again (see parking/outbox.py).
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from parking.settings import Settings
from workers.processes import die_with_parent
from workers.timetable import TIMETABLE

QUEUE = "hazpark"


def broker_url(redis_url: str) -> str:
    """The name kombu has for a Redis address: a socket is ``redis+socket://`` there."""
    if not redis_url.startswith("unix://"):
        return redis_url
    path, _, query = redis_url.removeprefix("unix://").partition("?")
    return f"redis+socket://{path}?{query.replace('db=', 'virtual_host=')}"


#: Sweeps give way to who waits for an answer: the gateway, the database, the pages (see nice(2)).
GIVES_WAY = 5

app = Celery("hazpark", include=["workers.tasks"])
app.conf.update(
    broker_url=broker_url(Settings.from_env().redis_url),
    task_default_queue=QUEUE,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # A task belongs to the broker until it is done, also when the process under it is killed.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    worker_prefetch_multiplier=1,
    # Below visibility_timeout, so that a task never runs twice at once for being slow.
    task_soft_time_limit=50,
    task_time_limit=60,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 120,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    task_publish_retry=False,
    worker_soft_shutdown_timeout=3,
    worker_hijack_root_logger=True,
    worker_redirect_stdouts=False,
    timezone="UTC",
    beat_schedule=TIMETABLE,
    beat_max_loop_interval=5,
)


@worker_process_init.connect
def _go_with_the_worker(**_: Any) -> None:
    die_with_parent()
    os.nice(GIVES_WAY)
