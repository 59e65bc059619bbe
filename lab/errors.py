"""What the lab raises on purpose beside `netsky.errors.InputError`."""

from __future__ import annotations

from netsky.errors import NetskyError


class LabError(NetskyError):
    """The network cannot be made, found or changed; one line says why and what to do."""
