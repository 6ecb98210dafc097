"""The leases that this worker holds: added, renewed, given back."""

import logging
import threading
from collections.abc import Iterable

from django.db import Error

from webapp.captioning.services import leases
from webapp.captioning.services.leases import Lease

log = logging.getLogger(__name__)


class LeasesHeld:
    """The leases in hand. Safe to use from many threads."""

    def __init__(self) -> None:
        self._leases: dict[Lease, None] = {}  # in the order in which they were taken
        self._lock = threading.Lock()

    def add(self, taken: Iterable[Lease]) -> None:
        with self._lock:
            self._leases.update(dict.fromkeys(taken))

    def drop(self, *leases: Lease) -> None:
        with self._lock:
            for lease in leases:
                self._leases.pop(lease, None)

    def __contains__(self, lease: Lease) -> bool:
        return lease in self._leases

    def __len__(self) -> int:
        return len(self._leases)

    def renew(self) -> None:
        with self._lock:
            held = list(self._leases)
        for lease in leases.leases_renew(leases=held) if held else []:
            log.warning("job %d was taken over by another worker", lease.job_id)
            self.drop(lease)

    def release(self, taken: Iterable[Lease] | None = None, *, later: bool = False) -> int:
        """Give back those of `taken` that are still in hand (None: all), to be tried at once or `later`.

        Returns their number. None of them is renewed any more: a lease that the database does not take back now runs
        out.
        """
        with self._lock:
            held = [lease for lease in (list(self._leases) if taken is None else taken) if lease in self._leases]
            for lease in held:
                del self._leases[lease]
        try:
            for lease in leases.jobs_release(leases=held, later=later) if held else []:
                log.info("job %d is in other hands already", lease.job_id)
        except Error as error:
            log.warning("%d leases run out instead of being given back: %s", len(held), error)
        return len(held)
