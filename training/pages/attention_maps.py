"""Attention maps in a page: one copy of each photo, and for every word a small map laid over it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from captioner.attention_figure import attention_veil, photo_aspect
from captioner.config import Preprocessing
from captioner.preprocessing import photo_pixels
from training.pages.html_parts import data_uri, escape, photo_uri

WIDTH = 320  # pixels of the one copy of a photo

_STEPS = 16  # of light in a map: 4 bits a place; the browser blends them


@dataclass(frozen=True)
class PagePhoto:
    """A photo in a page, as the model sees it. It is a class of the page's style, so its picture is there once.

    name: that class. uri: the picture. aspect: its width / height, as shown to people.
    """

    name: str
    uri: str
    aspect: float

    @property
    def style(self) -> str:
        return f".{self.name}{{aspect-ratio:{self.aspect:.4f};background-image:url({self.uri})}}\n"

    def html(self, *, label: str, attention: np.ndarray | None = None) -> str:
        """The photo, lit by `attention`, uint8 (h, w), if there is one. `label`: what it shows, in words."""
        veil = "" if attention is None else f'<img alt="" src="{map_uri(attention)}">'
        return f'<span class="view {self.name}" role="img" aria-label="{escape(label)}">{veil}</span>'


def page_photo(photo: Path, *, name: str, preprocessing: Preprocessing) -> PagePhoto:
    """A photo as the model sees it, stretched back to its own shape. Raises PhotoError if it cannot be read."""
    pixels = photo_pixels(photo, preprocessing=preprocessing)
    aspect = photo_aspect(photo, preprocessing=preprocessing)
    height = max(1, round(pixels.shape[0] / aspect))
    shaped = Image.fromarray(pixels).resize((pixels.shape[1], height), Image.Resampling.BICUBIC)
    return PagePhoto(name=name, uri=photo_uri(np.asarray(shaped), width=WIDTH), aspect=aspect)


def attention_panels(photo: PagePhoto, words: Sequence[str], notes: Sequence[str], maps: np.ndarray) -> str:
    """One panel for each word: the photo lit by its map, the word and a short note. `maps`: uint8 (T, h, w)."""
    panels = (
        f"<figure>{photo.html(label=f'where it looked for {word!r}', attention=attention)}"
        f"<figcaption>{escape(word)} <small>{escape(note)}</small></figcaption></figure>"
        for word, note, attention in zip(words, notes, maps, strict=True)
    )
    return f'<div class="looks">{"".join(panels)}</div>'


def map_uri(attention: np.ndarray) -> str:
    """A map, uint8 (h, w), as a PNG of h x w pixels to lay over the photo. 7 x 7 takes about 250 letters."""
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    palette = attention_veil(steps[np.newaxis])[0]
    picture = Image.fromarray((attention.astype(np.uint16) * (_STEPS - 1) / 255).round().astype(np.uint8), mode="P")
    picture.putpalette(palette[:, :3].tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", bits=4, transparency=palette[:, 3].tobytes(), optimize=True)
    return data_uri(file.getvalue(), kind="image/png")


def percent(probability: float) -> str:
    return f"{100 * probability:.0f}%"
