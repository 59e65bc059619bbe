"""Pages in a real browser: Debian's Chromium, in a network of its own that leads nowhere.

`testing/chromium` holds the script that drives it, and which axe-core and Playwright it takes from npm.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from testing import ROOT
from testing.servers import program

FOLDER = ROOT / "testing" / "chromium"
MOST_SECONDS = 300  # where other tests have the cores, too


@dataclass(frozen=True)
class Look:
    """One opening of a page: how wide, by night, with its clock at `now` (seconds of Unix).

    `height` None: as high as the page is. `script` False: as where scripts are off. `shot` and `pdf` are
    files to write.
    """

    name: str
    file: str
    width: int = 1440
    height: int | None = None
    dark: bool = False
    script: bool = True
    now: float | None = None
    scale: float = 1
    shot: str | None = None
    pdf: str | None = None
    axe: bool = False


@dataclass(frozen=True)
class Seen:
    """What there was: messages of the console, requests, pixels beyond the width, texts beyond their tile.

    `banner` is what is said on paper of a page that has stopped, where it is printed.
    `pages` of a PDF, and what is `cut` on them.
    """

    name: str
    messages: list[str]
    requests: list[str]
    overflow: int = 0
    wide: list[str] = field(default_factory=list)
    title: str = ""
    text: str = ""
    is_stale: bool = False
    banner: str = ""
    pages: int = 0
    cut: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def look_at(looks: Sequence[Look]) -> dict[str, Seen]:
    """What the browser sees, by name."""
    request = {
        "chromium": program("chromium"),
        "looks": [{k: v for k, v in asdict(look).items() if v is not None} for look in looks],
    }
    answers: list[dict[str, Any]] = _run("look.mjs", request)
    return {answer["name"]: Seen(**answer) for answer in answers}


def faults_of_html(files: Mapping[str, Path]) -> dict[str, list[str]]:
    """What a validator has to say of pages, by name: HTML's own standard, no taste."""
    faults: dict[str, list[str]] = _run("valid.mjs", {name: str(files[name]) for name in files})
    return faults


def _run(script: str, request: Mapping[str, Any]) -> Any:
    assert (FOLDER / "node_modules").is_dir(), "no node_modules here: `make test` installs them"
    done = subprocess.run(
        [program("unshare"), "--net", "--map-root-user", program("node"), script],
        cwd=FOLDER,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
