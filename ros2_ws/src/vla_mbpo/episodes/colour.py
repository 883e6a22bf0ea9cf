"""RGB to the planar YUV that h264 stores."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Image

CHROMA = np.array([[-0.148223, -0.290993, 0.439216, 128], [0.439216, -0.367788, -0.071427, 128]])
"""Rows U and V over R, G, B and 1: ITU-R BT.601, limited range, as swscale has it."""


def to_i420(image: Image) -> NDArray[Any]:
    """A picture uint8 [H, W, 3] as I420, uint8 [3 H / 2, W]; H and W are even.

    OpenCV's own conversion takes the chroma of every fourth pixel; here it is that of the mean of four, which costs
    half of what swscale costs for the same picture (measured: docs/explanation/performance.md).
    """
    height, width = image.shape[:2]
    planes: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(half, CHROMA)
    for channel, plane in enumerate(planes[height:].reshape(2, height // 2, width // 2)):
        cv2.extractChannel(chroma, channel, plane)
    return planes
