"""Training samples as torch tensors; the one module of this package that imports torch."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vla_mbpo.episodes.schema import IMAGE_PREFIX
from vla_mbpo.episodes.windows import PAD_SUFFIX
from vla_mbpo.episodes.windows import EpisodeWindows
from vla_mbpo.episodes.windows import Selection
from vla_mbpo.errors import MissingDependencyError

try:
    import torch
    from torch.utils.data import Dataset
except ModuleNotFoundError as error:
    raise MissingDependencyError(
        'torch',
        needed_for='training samples as tensors',
        remedy='Run: pip install torch, or read samples as arrays from EpisodeWindows',
    ) from error

ImageTransform = Callable[[torch.Tensor], torch.Tensor]


class EpisodeDataset(Dataset[dict[str, Any]]):
    """Samples of a dataset for a `DataLoader`, with any number of workers, forked or spawned.

    Keys, windows and padding masks are those of `EpisodeWindows`. Pictures are uint8 [(offset,) 3, H, W] RGB, or what
    `image_transform` makes of them; with spawned workers it must be a function of a module.

    Raises:
        DatasetError, UnknownNameError, ConfigError: as `EpisodeWindows`.
    """

    def __init__(
        self,
        root: Path,
        *,
        windows: Mapping[str, Sequence[float]] | None = None,
        selection: Selection | None = None,
        cameras: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        image_transform: ImageTransform | None = None,
    ) -> None:
        self.samples = EpisodeWindows(
            root, windows=windows, selection=selection, cameras=cameras, columns=columns
        )
        self._image_transform = image_transform

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """A sample: tensors by feature name, and the instruction as text.

        Raises:
            IndexError: there is no such sample.
            DatasetError: a picture cannot be decoded.
        """
        return {key: self._tensor(key, value) for key, value in self.samples.sample(number).items()}

    def _tensor(self, key: str, value: Any) -> Any:  # noqa: ANN401  text stays text
        if not isinstance(value, np.ndarray):
            return value
        tensor = torch.from_numpy(value)
        if not key.startswith(IMAGE_PREFIX) or key.endswith(PAD_SUFFIX):
            return tensor
        pictures = tensor.movedim(-1, -3)
        return pictures if self._image_transform is None else self._image_transform(pictures)
