#!/usr/bin/env bash
# inscriptis decodes entities twice: a page that shows `&lt;` (written `&amp;lt;`, as in any text about HTML) becomes `<` in its text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check inscriptis==2.7.6
venv/bin/python - <<'PYTHON'
from html.parser import HTMLParser
from importlib.metadata import version

from inscriptis import get_text


class Standard(HTMLParser):
    text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


html = "<p>write &amp;lt;b&amp;gt; for bold</p>"
standard = Standard()
standard.feed(html)
seen = get_text(html).strip()
print(f"inscriptis {version('inscriptis')}: {html} becomes {seen!r}; the standard library reads {standard.text!r}")
assert standard.text == "write &lt;b&gt; for bold"
assert seen == "write <b> for bold", "the behaviour has changed"
PYTHON
