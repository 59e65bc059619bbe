"""Which addresses may be asked while a library is built and kept: the last gate before an engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, dotted
from netsky.errors import LibraryError
from netsky.places import ISP
from netsky.targets.candidates import LAB_RESERVED, RESERVED, Candidates
from netsky.targets.exclusion import ExcludeFile
from netsky.targets.geo.join import row_at


class Permission:
    """What may be asked of an ISP: its candidates without reserved ones and those of exclude.txt.

    `directory` is that of the libraries, with exclude.txt in it, which is read again when it
    changes. `lab`: only what belongs to a lab may be asked, instead of all but that. Raises
    LibraryError when a candidate is of the other kind.
    """

    def __init__(self, isp: ISP, candidates: Candidates, directory: Path, *, lab: bool) -> None:
        self._isp = isp
        self._candidates = candidates
        self._reserved = np.array(LAB_RESERVED if lab else RESERVED, np.uint32).T
        self._exclude = ExcludeFile(directory)
        first, last = self._reserved
        reserved = candidates.first[row_at((first, last), candidates.first) >= 0]
        if len(reserved):
            hint = "no address of a lab" if lab else "reserved; one of a lab? Then say --lab"
            raise LibraryError(
                f"the candidate {dotted(int(reserved[0]))} of {isp.slug} is {hint}: nothing is sent"
            )

    def allows(self, addresses: Addresses) -> npt.NDArray[np.bool_]:
        """Which of them may be asked; LibraryError when exclude.txt cannot be read any more."""
        candidates, host = self._candidates, addresses & np.uint32(0xFF)
        first, last = self._reserved
        return (
            (row_at((candidates.first, candidates.last), addresses) >= 0)
            & (row_at((first, last), addresses) < 0)
            & (host > 0)
            & (host < 255)
            & ~self._exclude.excludes(addresses)
        )

    def check(self, addresses: Addresses) -> None:
        """Raise LibraryError when any of them must not be asked: nothing is to be sent then."""
        wrong = addresses[~self.allows(addresses)]
        if len(wrong):
            raise LibraryError(
                f"{len(wrong):,} address(es), {dotted(int(wrong[0]))} the first, are no candidates of "
                f"{self._isp.slug}, reserved or in exclude.txt: nothing was sent to them"
            )
