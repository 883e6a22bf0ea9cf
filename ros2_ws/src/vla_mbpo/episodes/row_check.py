"""Whether a row fits a dataset."""

import numpy as np

from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Vector


def row_problem(row: Row, spec: DatasetSpec, *, after_ns: int) -> str | None:
    """Why `row` cannot be stored in a dataset with `spec` after a row at `after_ns`, in words; None if it can."""
    return (
        _time_problem(row, spec, after_ns)
        or _vector_problem('state', row.state, spec.state_names)
        or _vector_problem('action', row.action, spec.action_names)
        or _vector_problem('requested action', row.action_requested, spec.action_names)
        or _image_problem(row, spec)
    )


def _time_problem(row: Row, spec: DatasetSpec, after_ns: int) -> str | None:
    if row.tick_ns <= after_ns:
        return f'time runs backwards: {row.tick_ns} ns after {after_ns} ns'
    for what, stamps in (('capture', row.capture_ns), ('receipt', row.receipt_ns)):
        if missing := set(spec.camera_names) - set(stamps):
            return f'has no {what} time of {", ".join(sorted(missing))}'
    return None


def _vector_problem(what: str, vector: Vector, names: tuple[str, ...]) -> str | None:
    if vector.shape != (len(names),):
        return f'{what} has shape {vector.shape}, expected ({len(names)},)'
    is_finite = np.isfinite(vector)
    if is_finite.all():
        return None
    bad = [name for name, fine in zip(names, is_finite, strict=True) if not fine]
    return f'{what} is not finite in: {", ".join(bad)}'


def _image_problem(row: Row, spec: DatasetSpec) -> str | None:
    if set(row.images) != set(spec.camera_names):
        return f'has pictures of {sorted(row.images)}, expected {list(spec.camera_names)}'
    for camera in spec.cameras:
        image, expected = row.images[camera.name], (camera.height, camera.width, 3)
        if image.shape != expected or image.dtype != np.uint8:
            return (
                f'{camera.name} picture is {image.dtype} {image.shape}, expected uint8 {expected}'
            )
    return None
