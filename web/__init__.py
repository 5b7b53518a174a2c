"""People and pages: knows HTTP; asks the park's services and queries for everything else."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from parking.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application that serves the pages.

    Raises web.gates.UngatedView when a view does not say who may enter, web.assets.WrongBytes when an
    installed browser file is not the reviewed one.
    """
    from web import assets, errors, gates, language, limits, pages, security, store, uploads

    settings = settings or Settings.from_env()
    app = Flask(__name__)
    app.config.update(
        HAZPARK=settings,
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=128 * 1024,
        MAX_FORM_PARTS=200,
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as the session it is bound to
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    security.configure_cookies(app, settings)
    store.init_app(app, settings)
    security.init_app(app)
    language.init_app(app)
    gates.init_app(app)  # before CSRF: who may not enter is told so first
    uploads.init_app(app)  # before CSRF reads the form
    CSRFProtect(app)
    limits.init_app(app)
    errors.init_app(app)
    assets.init_app(app)
    pages.init_app(app)
    _open_rooms(app)
    gates.check(app)
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _open_rooms(app: Flask) -> None:
    """Register every room; its ``MENU`` lists (endpoint, label) in the order shown."""
    from web import (
        admin,
        api_common,
        api_document,
        api_fixes,
        api_osmand,
        auth,
        bans,
        checklist,
        desk,
        dispatch,
        driver,
        enterprise,
        export,
        feeds,
        gate,
        goods,
        health,
        home,
        imports,
        inbox,
        layers,
        maps,
        ogc,
        overrides,
        passed,
        planning,
        queue,
        supervisor,
        terminals,
        tokens,
        warnings,
    )

    rooms = (
        *(home, auth, driver, dispatch, planning, queue, enterprise, supervisor, terminals),
        *(maps, passed, gate, inbox, warnings, overrides, bans, checklist, goods, imports, feeds),
        *(admin, layers, tokens, export, ogc, health),
        *(api_osmand, api_fixes, api_document),
    )
    for room in (desk, inbox, layers, supervisor, terminals, warnings):
        room.init_app(app)
    for door in (api_osmand, api_fixes):
        api_common.without_csrf(app, door.bp)
    menu: list[tuple[str, str]] = []
    for room in rooms:
        blueprint: Blueprint = room.bp
        app.register_blueprint(blueprint)
        menu.extend(getattr(room, "MENU", ()))
    app.extensions["hazpark.menu"] = tuple(menu)
