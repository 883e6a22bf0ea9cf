"""Settings of the synchroniser."""

from dataclasses import dataclass
from typing import Annotated

from vla_mbpo.config import setting
from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.clock import ticks_ns
from vla_mbpo.episodes.clock import to_ns


@dataclass(frozen=True, kw_only=True)
class SyncConfig:
    """Rates and budgets of the pairing."""

    record_rate_hz: Annotated[float, setting('Rows per second', unit='Hz', gt=0, le=1000)]
    camera_rate_hz: Annotated[float, setting('Frames per second', unit='Hz', gt=0, le=1000)] = 30.0
    max_skew_s: Annotated[
        float | None, setting('Budget of a camera; default half a frame period', unit='s', gt=0)
    ] = None
    max_state_gap_s: Annotated[
        float, setting('Largest distance between joint states around a tick', unit='s', gt=0)
    ] = 0.05
    max_command_gap_s: Annotated[
        float, setting('Largest distance between sent commands around it', unit='s', gt=0)
    ] = 0.05
    max_wait_s: Annotated[
        float,
        setting('How far two streams may be ahead before a row stops waiting', unit='s', gt=0),
    ] = 0.5
    max_jump_s: Annotated[
        float, setting('A stamp further ahead of its stream is a clock error', unit='s', gt=0)
    ] = 10.0
    max_buffer_s: Annotated[
        float, setting('How much of each stream is held; pop rows more often', unit='s', gt=0)
    ] = 2.0

    max_delay_s: Annotated[
        float,
        setting('A sample received later than this after its stamp counts as late', unit='s', gt=0),
    ] = 0.2
    max_clock_error_s: Annotated[
        float | None,
        setting('Stamps further in the future, or set back by more, are left out', unit='s', gt=0),
    ] = 0.03
    """None where the receiver's clock is no measure: in the twin it may lag behind the stamps."""

    @property
    def skew_budget_ns(self) -> int:
        """Largest distance of a camera's frame from its tick."""
        budget_s = 0.5 / self.camera_rate_hz if self.max_skew_s is None else self.max_skew_s
        return to_ns(budget_s)

    @property
    def period_ns(self) -> int:
        """Duration of a row."""
        return ticks_ns(1, exact_rate(self.record_rate_hz))
