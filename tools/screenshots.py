"""Screenshots of the pages of a drill, for the READMEs: docs/pictures/overview.png and incident.png.

    python -m lab drill && python -m tools.screenshots pages

Beside them pages.json says of which templates they are: a test compares these with today's.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

from netsky.page.environment import TEMPLATES
from testing.browser import Look, look_at
from tools.pictures import FOLDER

RECORD = FOLDER / "pages.json"
PICTURES = {"overview.png": "index.html", "incident.png": "incident-*-1.html"}
WIDTH, HEIGHT = 1280, 960
_SECONDS_LATER = 5


def digest(*files: Path) -> str:
    """Of all of them, in the order of their names."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.read_bytes())
    return found.hexdigest()


def sources_of(page: str) -> list[Path]:
    """What decides how a page looks: its templates, and those of all pages; the overview's drawings and words."""
    shared = [TEMPLATES / "base.html", TEMPLATES / "style.css"]
    if page != "index.html":
        return [*TEMPLATES.glob("incident.*"), *shared]
    modules = TEMPLATES.parent
    drawings = (modules / f"{name}.py" for name in ("headline", "shades", "strip", "tile_map"))
    return [*TEMPLATES.glob("overview.*"), *modules.glob("overview*.py"), *drawings, *shared]


def record() -> dict[str, dict[str, str]]:
    """Which pictures there are, of which templates."""
    return {
        name: {"sha256": digest(FOLDER / name), "templates": digest(*sources_of(page))}
        for name, page in PICTURES.items()
    }


def take(folder: Path) -> None:
    """Pictures of the pages in a folder, as somebody sees them who looks at that moment."""
    looks = []
    for name, pattern in PICTURES.items():
        file = max(folder.glob(pattern), key=lambda each: each.stat().st_mtime)
        epoch = re.search(r'data-epoch="(\d+)"', file.read_text(encoding="utf-8"))
        looks.append(
            Look(
                name,
                str(file.resolve()),
                width=WIDTH,
                height=HEIGHT,
                now=int(epoch[1]) + _SECONDS_LATER if epoch else None,
                shot=str(FOLDER / name),
            )
        )
    look_at(looks)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
    RECORD.write_text(f"{json.dumps(record(), indent=1)}\n", encoding="utf-8")
