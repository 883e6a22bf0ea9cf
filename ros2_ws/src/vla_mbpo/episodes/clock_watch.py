"""Whether a stream's clock still tells the time that it told, judged by the delay from stamp to receipt."""


class ClockWatch:
    """Watches one stream. A clock that was set wrong stays wrong: its stamps are unsound until it is right again.

    A delay may grow, because the network or the receiver is busy; it cannot be negative. So a stamp from the future is
    unsound at once. After a stamp ran backwards, a delay above the least one so far means that the clock was set back.
    """

    def __init__(self, max_error_ns: int | None) -> None:
        """`max_error_ns` None: the receiver's clock is no measure, everything is sound."""
        self._max_error_ns = max_error_ns
        self._least_ns: int | None = None
        self._went_back = False

    @property
    def is_set_back(self) -> bool:
        """Whether the clock ran backwards and has not been right since."""
        return self._went_back

    def is_sound(self, t_ns: int, receipt_ns: int | None) -> bool:
        """Judge a stamp; without a receipt there is nothing to judge by."""
        if self._max_error_ns is None or receipt_ns is None:
            return True
        delay_ns = receipt_ns - t_ns
        if delay_ns < -self._max_error_ns:
            return False
        if self._went_back and self._least_ns is not None:
            self._went_back = delay_ns > self._least_ns + self._max_error_ns
            return not self._went_back
        self._least_ns = delay_ns if self._least_ns is None else min(self._least_ns, delay_ns)
        return True

    def went_back(self) -> None:
        """The stream's stamps ran backwards."""
        self._went_back = self._max_error_ns is not None
