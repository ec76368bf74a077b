"""Every page can be made: templates compile with the filters there are, include what there is, and
are used."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta

from services.dashboard import contact
from services.desk.actors import Permission
from services.desk.web import render
from services.router import report

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = {
    "services/dashboard/templates": contact._environment("en"),
    "services/desk/web/templates": render.environment("en"),
    "services/router/templates": jinja2.Environment(
        loader=jinja2.FileSystemLoader(report._PAGE.parent), autoescape=True
    ),
}
TEMPLATES = [(folder, name) for folder, made in ENVIRONMENTS.items() for name in made.list_templates()]


@pytest.mark.parametrize(("folder", "name"), TEMPLATES)
def test_a_template_compiles_and_includes_what_there_is(folder: str, name: str) -> None:
    environment = ENVIRONMENTS[folder]
    environment.get_template(name)
    assert environment.loader
    source = environment.loader.get_source(environment, name)[0]
    for other in meta.find_referenced_templates(environment.parse(source)):
        assert other is None or (folder, other) in TEMPLATES, f"{name} includes {other}"


def test_every_template_is_in_a_folder_that_is_looked_at_and_used() -> None:
    found = {
        (str(folder.relative_to(ROOT)), str(path.relative_to(folder)))
        for folder in (ROOT / "services").rglob("templates")
        for path in folder.rglob("*.html")
    }
    assert found == set(TEMPLATES)
    texts = [path.read_text() for suffix in ("py", "html") for path in (ROOT / "services").rglob(f"*.{suffix}")]
    for _, name in sorted(found):
        assert any(f'"{name}' in text or f'/{name}"' in text for text in texts), f"nothing uses {name}"


DESK = ROOT / "services/desk/web"
OWN = {
    "account.html",
    "join.html",
    "login.html",
    "notification-settings.html",
    "notifications.html",
    "parts/bell-list.html",
    "people.html",
    "person.html",
    "parts/preferences.html",
    "parts/sessions.html",
    "team.html",
    "teams.html",
    "work.html",
}
"""Forms that everybody may send, or of a page that only those are shown who may."""
MORE = {"console.html": 1, "parts/toast.html": 1}
"""Signing out; taking back what somebody just did."""
NEEDS = re.compile(r'data-(?:needs|lacks)="([^"{]+)"')


def test_a_form_of_the_desk_names_the_permission_that_it_needs() -> None:
    for name in ENVIRONMENTS["services/desk/web/templates"].list_templates():
        forms = re.findall(r'<form\b[^>]*method="post"', (DESK / "templates" / name).read_text())
        silent = [form for form in forms if "data-needs=" not in form]
        assert name in OWN or len(silent) == MORE.get(name, 0), f"{name}: add data-needs to {silent}"


def test_what_a_control_needs_is_a_permission_and_hides_it() -> None:
    css = (DESK / "static/css/permissions.css").read_text()
    for path in (DESK / "templates").rglob("*.html"):
        for needs in NEEDS.findall(path.read_text()):
            assert set(needs.split()) <= set(Permission), f"{path.name}: {needs}"
            assert f'[data-needs="{needs}"]' in css or f'[data-lacks="{needs}"]' in css, f"permissions.css: {needs}"
