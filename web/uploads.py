"""Views that take files: only they, and only for those who may enter, are sent more than a form's worth."""

from __future__ import annotations

from flask import Flask, request

from parking.services.drawings import LARGEST_MB

#: Endpoint → bytes of a whole request. Half a megabyte is for the form around the file.
VIEWS = {"layers.hand_in_post": LARGEST_MB * 1_000_000 + 500_000}


def init_app(app: Flask) -> None:
    """After the gates, so that nobody else's body is read; before CSRF, which reads the form."""
    app.before_request(_widen)


def _widen() -> None:
    if request.endpoint in VIEWS:
        request.max_content_length = VIEWS[request.endpoint]
