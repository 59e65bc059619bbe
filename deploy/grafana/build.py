#!/usr/bin/env python3
"""Write the dashboards' JSON: into `dashboards/` beside this file, or into the folder named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from netsky_dashboards import history, national, overview

FOLDER = Path(__file__).parent / "dashboards"


def build(folder: Path) -> None:
    for board in (overview.build(), history.build(), national.build()):
        text = json.dumps(board, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / f"{board.uid}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
