"""Writes `static/icons.svg`, the sprite of all icons of the console, from the Lucide icons in
`node_modules`.

Run it when an icon is added: `python -m services.desk.web.icons` after `npm ci`. The sprite is
committed, with its notice.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# fmt: off
ICONS = (
    "arrow-down", "arrow-left", "arrow-up", "at-sign", "bell", "chart-column", "check", "chevron-down", "circle-alert",
    "circle-check", "circle-question-mark",
    "clock", "download", "ellipsis", "file-text", "flag", "gauge", "globe", "headset", "history", "image", "inbox", "keyboard", "languages",
    "layers", "life-buoy", "log-out", "mail", "maximize", "menu", "message-circle", "message-square", "message-square-text",
    "monitor", "moon", "panel-right", "paperclip", "phone", "phone-incoming", "phone-off", "phone-outgoing",
    "refresh-cw", "reply", "route", "search", "send",
    "settings", "smartphone", "sticky-note", "sun", "triangle-alert", "undo-2", "user", "user-check", "user-plus",
    "users", "wifi-off", "x",
)
# fmt: on
"""Names in Lucide; a channel's `icon` is one of these. An unknown name is shown as
`message-square`."""

SPRITE = Path(__file__).parent / "static" / "icons.svg"


def sprite(folder: Path) -> str:
    """Builds one SVG with a symbol for each icon. `folder` is the installed `lucide-static`."""
    notice = (folder / "LICENSE").read_text("utf-8").strip()
    notice = re.sub("-{2,}", "-", notice)  # two hyphens would end an XML comment
    version = re.search(r'"version": "([^"]+)"', (folder / "package.json").read_text("utf-8"))
    symbols = []
    for name in ICONS:
        inner = re.search(r"<svg[^>]*>(.*)</svg>", (folder / "icons" / f"{name}.svg").read_text("utf-8"), re.DOTALL)
        if inner is None:
            raise ValueError(f"{name}.svg is not an icon")
        shapes = re.sub(r"\s+", " ", inner[1]).strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    head = f"<!--\nIcons from Lucide {version[1] if version else ''} (lucide.dev)\n\n{notice}\n-->"
    return f'{head}\n<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def main() -> int:
    """Writes the sprite to its file."""
    SPRITE.write_text(sprite(Path("node_modules/lucide-static")), "utf-8")
    print(f"{SPRITE}: {len(ICONS)} icons, {SPRITE.stat().st_size:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
