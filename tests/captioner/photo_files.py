"""Small photo files, made in memory."""

import io
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 180, 40), (30, 40, 200), (220, 210, 40)


def quarters(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red and green above, blue and yellow below: tells every orientation from every other."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    middle_y, middle_x = size[1] // 2, size[0] // 2
    pixels[:middle_y, :middle_x], pixels[:middle_y, middle_x:] = RED, GREEN
    pixels[middle_y:, :middle_x], pixels[middle_y:, middle_x:] = BLUE, YELLOW
    return Image.fromarray(pixels)


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The middle of each quarter: above left, above right, below left, below right."""
    near, far = len(pixels) // 4, 3 * len(pixels) // 4
    return [tuple(int(c) for c in pixels[y, x]) for y in (near, far) for x in (near, far)]


def alike(found: Any, wanted: Any, *, tolerance: int = 12) -> bool:
    """Whether colours agree but for what lossy formats lose."""
    return bool(np.abs(np.asarray(found, int) - np.asarray(wanted, int)).max() <= tolerance)
