"""Random order of samples that a restarted training run continues exactly where it stopped."""

from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np

from vla_mbpo.errors import ConfigError

STATE_KEYS = ('seed', 'length', 'epoch', 'position')


class SeededOrder:
    """Sample numbers, each once per epoch, in an order that `seed` and the epoch determine; a torch sampler.

    Workers fetch ahead, so what was handed out says nothing of what was used: call `advance` with the number of
    samples of each batch that the training step has consumed. A state taken then continues with the next sample.
    """

    def __init__(self, length: int, *, seed: int, epochs: int | None = None) -> None:
        """`epochs` ends the order after that many; None goes on for ever.

        Raises:
            ConfigError: there is nothing to order.
        """
        if length < 1:
            raise ConfigError('sample order', [f'length {length}: expected at least one sample'])
        self._length = length
        self._seed = seed
        self._epochs = epochs
        self._epoch = 0
        self._position = 0

    def __iter__(self) -> Iterator[int]:
        epoch, position = self._epoch, self._position
        while self._epochs is None or epoch < self._epochs:
            yield from self.permutation(epoch)[position:]
            epoch, position = epoch + 1, 0

    def permutation(self, epoch: int) -> list[int]:
        """The whole order of an epoch."""
        order: list[int] = (
            np.random.default_rng([self._seed, epoch]).permutation(self._length).tolist()
        )
        return order

    def advance(self, samples: int) -> None:
        """Note that the next `samples` samples have been used; iterators that run already are not affected."""
        used = self._position + samples
        self._epoch += used // self._length
        self._position = used % self._length

    def state_dict(self) -> dict[str, int]:
        """Where the next sample lies; plain numbers."""
        values = (self._seed, self._length, self._epoch, self._position)
        return dict(zip(STATE_KEYS, values, strict=True))

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from a state.

        Raises:
            ConfigError: it is of another order: another seed, or another number of samples.
        """
        missing = [key for key in STATE_KEYS if key not in state]
        problems = [f'lacks {key}' for key in missing]
        if not missing:
            problems += [
                f'{key} is {state[key]}, this order has {own}'
                for key, own in (('seed', self._seed), ('length', self._length))
                if state[key] != own
            ]
        if problems:
            raise ConfigError('state of the sample order', problems)
        self._epoch, self._position = int(state['epoch']), int(state['position'])
