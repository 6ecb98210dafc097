"""The attention figure: where on the photo the model looked for each word (Xu et al. 2015, figure 3)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure, SubFigure
from PIL import Image

if TYPE_CHECKING:
    from captioner.config import Preprocessing
    from captioner.inference import CaptionResult

COLUMNS = 6  # panels in a row; a longer caption goes on in the next row
COLUMNS_MIN = 4  # room for the caption above
PHOTOS_MAX = 20

_ORIENTATION_TAG = 0x0112  # of EXIF
_PANEL_INCHES = 2.0  # wide; as high as the photo is
_PANEL_INCHES_MAX = 3.0  # high
_WORD_INCHES = 0.3
_TITLE_INCHES = 0.4
_DIM = 0.25  # brightness of the photo where the map is 0
_GLOW = np.array([255, 150, 0], dtype=np.float32)  # seen on the dark parts of a photo too
_GLOW_SHARE = 0.4


@dataclass(frozen=True)
class CaptionedPhoto:
    """One photo of the figure.

    title: the line above it. pixels: uint8 (H, W, 3) RGB, what the model saw. aspect: width / height as shown to people
    (a photo that was squashed to a square for the model is stretched back).
    """

    title: str
    pixels: np.ndarray
    aspect: float
    result: CaptionResult


def attention_figure(photos: Sequence[CaptionedPhoto]) -> Figure:
    """One row for each photo: the photo, then one panel for each word.

    A panel is the photo lit by the word's attention map. It is brightest at the map's own maximum, so a word that
    attends to all places alike is lit evenly. The word's probability stands beside it.
    Raises ValueError for no photo, or more than PHOTOS_MAX.
    """
    if not 1 <= len(photos) <= PHOTOS_MAX:
        raise ValueError(f"An attention figure shows 1 to {PHOTOS_MAX} photos, not {len(photos)}: give fewer photos.")
    columns = min(COLUMNS, max(COLUMNS_MIN, *(1 + len(photo.result.words) for photo in photos)))
    rows = [math.ceil((1 + len(photo.result.words)) / columns) for photo in photos]
    panels = [min(_PANEL_INCHES / photo.aspect, _PANEL_INCHES_MAX) for photo in photos]
    heights = [_TITLE_INCHES + n * (_WORD_INCHES + panel) for n, panel in zip(rows, panels, strict=True)]
    figure = Figure(figsize=(columns * _PANEL_INCHES, sum(heights)))
    parts = figure.subfigures(len(photos), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, photo, photo_rows, panel, height in zip(parts, photos, rows, panels, heights, strict=True):
        part.suptitle(photo.title, x=0.01, y=1 - 0.15 / height, ha="left", va="top", fontsize=11, parse_math=False)
        part.subplots_adjust(left=0.01, right=0.99, bottom=0.0, top=1 - (_TITLE_INCHES + _WORD_INCHES) / height)
        part.subplots_adjust(wspace=0.05, hspace=_WORD_INCHES / panel)
        _panels_draw(part, photo, rows=photo_rows, columns=columns)
    return figure


def attention_figure_save(photos: Sequence[CaptionedPhoto], path: Path) -> None:
    """Write the figure of `photos` to `path`, in the format of its suffix (.png, .pdf, .svg, ...). Raises OSError."""
    with warnings.catch_warnings():
        # The font may lack the script of a file name. Boxes are drawn then; that is no reason for a warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        attention_figure(photos).savefig(path, dpi=100)


def photo_aspect(path: str | Path, *, preprocessing: Preprocessing) -> float:
    """Width / height of what the model saw, upright. The photo must be readable."""
    if preprocessing.resize != "squash":
        return 1.0
    with Image.open(path) as image:
        width, height = image.size
        quarter_turned = image.getexif().get(_ORIENTATION_TAG, 1) in range(5, 9)
    return height / width if quarter_turned else width / height


def attention_light(pixels: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """`pixels` (uint8, (H, W, 3)) lit where `attention` (uint8, (h, w), 0..255) is high; same shape and dtype.

    The map is upsampled with a bicubic filter and squared: squaring makes the differences of a soft map visible. 255
    keeps the brightness and adds a glow, 0 dims.
    """
    height, width = pixels.shape[:2]
    upsampled = Image.fromarray(attention).resize((width, height), Image.Resampling.BICUBIC)
    colour, opacity = _veil(np.asarray(upsampled))
    return np.asarray((pixels * (1 - opacity) + colour).round(), dtype=np.uint8)


def attention_veil(attention: np.ndarray) -> np.ndarray:
    """The effect of attention_light as a picture to lay over a photo: uint8 (h, w) -> uint8 (h, w, 4), RGBA."""
    colour, opacity = _veil(attention)
    return np.concatenate([colour / opacity, 255 * opacity], axis=-1).round().astype(np.uint8)


def _veil(attention: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The added light, float (h, w, 3) in 0..255, and the hidden share of the photo, float (h, w, 1) in 0..1."""
    light = (attention.astype(np.float32)[..., np.newaxis] / 255) ** 2
    glow = _GLOW_SHARE * light
    return _GLOW * glow, 1 - (_DIM + (1 - _DIM) * light) * (1 - glow)


def _panels_draw(part: SubFigure, photo: CaptionedPhoto, *, rows: int, columns: int) -> None:
    axes = part.subplots(rows, columns, squeeze=False).flat
    for panel in axes:
        panel.set_axis_off()
    extent = (0.0, photo.aspect, 1.0, 0.0)
    axes[0].imshow(photo.pixels, extent=extent)
    for index, (word, attention) in enumerate(zip(photo.result.words, photo.result.attention, strict=True), start=1):
        axes[index].imshow(attention_light(photo.pixels, attention), extent=extent)
        axes[index].set_title(f"{word.text}  {math.exp(word.log_probability):.2f}", fontsize=9, parse_math=False)
