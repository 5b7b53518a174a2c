"""Argument parsers of ``python -m workers``; the language is found as in ``parking.cli``."""

from __future__ import annotations

import argparse

from parking.cli import language
from parking.cli.language import spoken

__all__ = ["parser", "spoken"]


def parser(command: str, about: str, lang: str, after: str = "") -> argparse.ArgumentParser:
    return language.parser("workers", command, about, lang, after)
