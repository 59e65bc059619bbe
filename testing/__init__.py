"""What tests and benchmarks share: real servers, networks and samples, and ways to run the tools."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
