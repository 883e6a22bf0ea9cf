"""Which saved episodes the operator is asked about again: those without a label, and the last one after an undo."""

from dataclasses import dataclass

from vla_mbpo_robot.collection_io import Edit
from vla_mbpo_robot.quota import Stock


@dataclass(frozen=True, kw_only=True)
class Review:
    """A saved episode whose label is asked for."""

    index: int
    statement: str


class Reviews:
    """Keeps the last decision, and the episodes that wait for one."""

    def __init__(self) -> None:
        self.current: Review | None = None
        """The episode that is being asked about."""
        self.removed: int | None = None
        """The last decision was to remove this episode, which can be taken back."""
        self.why_not = 'nothing was saved yet'
        """Why the last decision cannot be reopened."""
        self._waiting: list[Review] = []
        self._skipped: set[int] = set()
        self._last: int | None = None

    def update(self, stock: Stock, *, is_first: bool) -> None:
        """Take in what the dataset holds."""
        self._waiting = [
            Review(index=episode.index, statement=episode.statement)
            for episode in stock.unlabelled
            if episode.index not in self._skipped
        ]
        if is_first:
            self._last = stock.last

    def next(self) -> Review | None:
        """Ask about the next episode without a label; None if there is none."""
        self.current = self._waiting.pop(0) if self._waiting else None
        return self.current

    def skip(self) -> None:
        """Leave the present one as it is."""
        if self.current is not None:
            self._skipped.add(self.current.index)
        self.current = None

    def decided(self, saved: int | None) -> None:
        """An episode was saved under this index, or discarded (None)."""
        self._last, self.removed = saved, None
        if saved is None:
            self.why_not = 'the last episode was discarded, and is gone'

    def edited(self, edit: Edit) -> None:
        """A correction is on the disk."""
        self.current = None
        self._last = None if edit.action == 'remove' else edit.episode
        self.removed = edit.episode if edit.action == 'remove' else None

    def reopen(self) -> Review | None:
        """Ask about the last saved episode again; None if there is none."""
        if self._last is None:
            return None
        self.current = Review(index=self._last, statement=f'episode {self._last} is saved')
        return self.current
