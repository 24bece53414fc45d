"""What fails for want of what all work stands on is no attempt at the work: it waits, longer each time that this is
still away, and never long after it is back."""

from __future__ import annotations

import errno
import random
from collections import Counter
from typing import Final

from exchange.errors import (
    ComputeAway,
    InfrastructureAway,
    ObjectAltered,
    ObjectStoreUnavailable,
    StoreFull,
    StoreUnavailable,
)

_FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
OF_THE_MACHINE: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE}
)
"""No room, no memory, no more files, a disk that takes no writes or a folder that is no longer mounted: none of them
depends on the scan. A file that is missing or cannot be read is not here: that may be the work's own."""

AWAY_CODES: Final = tuple(
    kind.code for kind in (StoreUnavailable, StoreFull, ObjectStoreUnavailable, ObjectAltered, ComputeAway)
)
"""What a job's error begins with that waits for one of these; what waits its ordinary turn has a code of its own."""


def is_away(error: Exception) -> bool:
    """Whether what failed is what the work stands on, and not the work itself: by the kind of the error, which is
    chosen where the connection or the service failed, never by its words."""
    return isinstance(error, InfrastructureAway) or (isinstance(error, OSError) and error.errno in OF_THE_MACHINE)


def told_as_away(error: Exception) -> Exception:
    """What the machine lacks, as the error that tells so in words and by a code; any other error as it came."""
    if not isinstance(error, OSError) or error.errno not in OF_THE_MACHINE:
        return error
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StoreFull(f"The disk of the node's folder is full ({error.strerror}).")
        case errno.EROFS | errno.ESTALE:
            return StoreUnavailable(f"The node's folder takes no writes ({error.strerror}).")
        case _:
            return ComputeAway(f"The machine has none left of what the work needs ({error.strerror}).")


class Patience:
    """Of one worker with each job: another worker, or the same after a start, begins anew."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._times: Counter[int] = Counter()

    def pause_s(self, job_id: int) -> float:
        """How long it waits this time; all that waits for the same does not come back at the same moment."""
        self._times[job_id] += 1
        return min(LONGEST_S, _FIRST_S * 2.0 ** min(self._times[job_id], 16)) * self._chance.uniform(0.5, 1.0)

    def over(self, job_id: int) -> None:
        """It was tried."""
        self._times.pop(job_id, None)
