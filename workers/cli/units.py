"""``python -m workers units``: the same processes as systemd units, for servers kept by systemd."""

from __future__ import annotations

import shlex
from pathlib import Path

from parking.settings import Settings
from parking.speech import N_, translate
from workers.cli.language import parser, spoken
from workers.plan import Service, services

_UNIT = """\
# {name}
[Unit]
Description={about}
After=network.target postgresql.service valkey.service redis.service
PartOf=hazpark.target

[Service]
User={user}
WorkingDirectory={folder}
EnvironmentFile={env}
ExecStart={command}
Restart=always
RestartSec=1
TimeoutStopSec={patience}
LimitNOFILE=65536
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=hazpark.target
"""


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    made = parser(
        "units", N_("Print systemd units for the same processes."), lang,
        N_("The environment file must set DATABASE_URL, REDIS_URL and HAZPARK_SECRET_KEY; before the first"
           " start run python -m parking db upgrade and python -m parking seed with it."),
    )  # fmt: skip
    made.add_argument("--user", default="hazpark", help=translate(N_("Account of the processes."), lang))
    made.add_argument("--env", default="hazpark.env", help=translate(N_("File with the settings."), lang))
    given = made.parse_args(argv)
    print("# hazpark.target\n[Unit]\nDescription=hazpark\n\n[Install]\nWantedBy=multi-user.target\n")
    for service in services(Settings.from_env(), Path("/run") / "hazpark"):
        print(_unit(service, given.user, Path(given.env).absolute()))
    return 0


def _unit(service: Service, user: str, env: Path) -> str:
    runtime = "RuntimeDirectory=hazpark\nRuntimeDirectoryPreserve=yes\n" if service.name == "beat" else ""
    text = _UNIT.format(
        name=f"hazpark-{service.name}.service", about=service.about, user=user, folder=Path.cwd(), env=env,
        command=shlex.join(service.command), patience=int(service.patience_s) + 5,
    )  # fmt: skip
    return text.replace("EnvironmentFile=", f"{runtime}EnvironmentFile=")
