"""The tools as cron or a person runs them: processes in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tool_command(tool: str, *arguments: str, isp: str = "cu") -> list[str]:
    return [sys.executable, str(ROOT / f"{tool}.py"), "--isp", isp, "--lock-dir", ".", *arguments]


def run_command(
    folder: Path, command: list[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end, without settings of the developer's."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("NETSKY_")}
    return subprocess.run(
        command,
        cwd=folder,
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def run_tool(folder: Path, tool: str, *arguments: str, isp: str = "cu", **environment: str):
    return run_command(folder, tool_command(tool, *arguments, isp=isp), **environment)
