"""Drawing for the contact sheet: text, pictures, curves and bars on a dark canvas."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Image

BACKGROUND = (20, 22, 27)
PANEL = (32, 35, 42)
TEXT = (232, 234, 238)
MUTED = (140, 146, 158)
GOOD = (88, 184, 120)
BAD = (226, 88, 80)
HUES = 180
CURVE_SATURATION, CURVE_BRIGHTNESS = 140, 230
SUBPIXEL_BITS = 4
LEAST_CURVE_SHARE = 0.1
"""A curve is not blown up to more than 10 times the scale of the largest one."""

Colour = tuple[int, int, int]


class Canvas:
    """An RGB picture that is drawn on; positions are (left, top) in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.image: Image = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)

    def text(
        self, words: str, left: int, baseline: int, *, colour: Colour = TEXT, scale: float = 0.48
    ) -> int:
        """Write a line; returns where it ends."""
        font = cv2.FONT_HERSHEY_DUPLEX
        cv2.putText(self.image, words, (left, baseline), font, scale, colour, 1, cv2.LINE_AA)
        return int(left + cv2.getTextSize(words, font, scale, 1)[0][0])

    def bar(self, left: int, top: int, width: int, height: int, colour: Colour) -> None:
        """Filled rectangle."""
        self.image[top : top + height, left : left + width] = colour

    def paste(self, image: Image, left: int, top: int) -> None:
        """Place a picture, uint8 [H, W, 3]."""
        self.image[top : top + image.shape[0], left : left + image.shape[1]] = image

    def curves(self, values: NDArray[np.float64], box: tuple[int, int, int, int]) -> None:
        """Draw each column of `values` [N, D] over the box (left, top, width, height), each to its own scale."""
        left, top, width, height = box
        self.bar(left, top, width, height, PANEL)
        low, span = values.min(axis=0), np.ptp(values, axis=0)
        scale = np.maximum(span, LEAST_CURVE_SHARE * span.max())
        share = (values - low) / np.where(scale > 0, scale, 1.0)
        x = left + np.linspace(0, 1, len(values)) * (width - 1)
        for i, colour in enumerate(_colours(values.shape[1])):
            y = top + (0.92 - 0.84 * share[:, i]) * height
            points = np.stack([x, y], axis=1) * (1 << SUBPIXEL_BITS)
            line = points.round().astype(np.int32)
            cv2.polylines(self.image, [line], False, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)

    def timeline(
        self, masks: list[tuple[NDArray[np.bool_], Colour]], box: tuple[int, int, int, int]
    ) -> None:
        """A bar with one slot per row of the masks [N], later masks over earlier ones."""
        left, top, width, height = box
        self.bar(left, top, width, height, PANEL)
        for mask, colour in masks:
            edges = np.linspace(0, width, len(mask) + 1).round().astype(int)
            for k in np.flatnonzero(mask):
                slot = max(1, int(edges[k + 1] - edges[k]))
                self.bar(left + int(edges[k]), top, slot, height, colour)


def resized(image: Image, width: int) -> Image:
    """A picture at another width, same proportions."""
    height = round(image.shape[0] * width / image.shape[1])
    is_smaller = width < image.shape[1]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation))


def png(image: Image) -> bytes:
    """PNG file content of a picture, uint8 [H, W, 3] RGB."""
    is_encoded, data = cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert is_encoded
    return bytes(data)


def _colours(count: int) -> list[Colour]:
    hues = np.linspace(0, HUES, count, endpoint=False)
    pixels = [[round(hue), CURVE_SATURATION, CURVE_BRIGHTNESS] for hue in hues]
    rgb = cv2.cvtColor(np.array([pixels], dtype=np.uint8), cv2.COLOR_HSV2RGB)[0]
    return [(int(r), int(g), int(b)) for r, g, b in rgb]
