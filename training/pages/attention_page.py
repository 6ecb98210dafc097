"""The page of attention maps on real photos: does "dog" light up the dog?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from captioner.inference import Captioner, CaptionResult
from captioner.preprocessing import photo_pixels
from training.pages.attention_maps import PagePhoto, attention_panels, page_photo, percent
from training.pages.html_parts import escape, facts, notice, page_html, paragraph, section
from training.scoring.caption_faults import FUNCTION_WORDS

PHOTOS = 24

_WORDS = 12  # that have a section of their own
_BATCH = 8


def attention_page(captioner: Captioner, photos: Sequence[Path]) -> str:
    """Captions of `photos` by the bundle's own decoding, and an attention map for each word.

    First word by word: the maps of "dog" in every photo whose caption says so. Then photo by photo.
    Raises PhotoError for a photo that cannot be read.
    """
    results: list[CaptionResult] = []
    for first in range(0, len(photos), _BATCH):
        pixels = [photo_pixels(path, preprocessing=captioner.preprocessing) for path in photos[first : first + _BATCH]]
        results += captioner.caption_batch(pixels)
    pictures = [
        page_photo(path, name=f"p{index}", preprocessing=captioner.preprocessing) for index, path in enumerate(photos)
    ]
    title = f"Attention of {captioner.config.encoder.name} + {captioner.config.decoder.name}"
    if not any(result.attention.size for result in results):
        return page_html(title, notice(f"{captioner.config.decoder.name} has no attention: there is no map to show."))
    seen = _content_words(results)
    sharpness = [_sharpness(results[row].attention[word]) for places in seen.values() for row, word in places]
    return page_html(
        title,
        paragraph(
            "Each photo is lit where the model looked for a word. A good map of “dog” lights up the dog. The number "
            "beside a word tells how many times the brightest place outweighs an even map.",
            muted=True,
        ),
        facts(
            {
                "Model version": captioner.version[:12],
                "Photos": len(photos),
                "Places of a map": results[0].attention[0].size,
                "Brightest place, content words": f"{np.mean(sharpness):.1f} × even" if sharpness else None,
            }
        ),
        section("Word by word", *_by_word(seen, results, pictures)),
        section("Photo by photo", *map(_by_photo, results, pictures)),
        style="".join(picture.style for picture in pictures),
    )


def _content_words(results: Sequence[CaptionResult]) -> dict[str, list[tuple[int, int]]]:
    """The places of each content word (row of the photo, index in its caption), words of most photos first."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, result in enumerate(results):
        for index, word in enumerate(result.words):
            if word.text not in FUNCTION_WORDS:
                places[word.text].append((row, index))
    return dict(sorted(places.items(), key=lambda item: -len({row for row, _ in item[1]})))


def _by_word(
    seen: dict[str, list[tuple[int, int]]], results: Sequence[CaptionResult], pictures: Sequence[PagePhoto]
) -> list[str]:
    return [
        f'<h3>{escape(word)}</h3><div class="looks large">'
        + "".join(
            f"<figure>{pictures[row].html(label=results[row].text, attention=results[row].attention[index])}"
            f"<figcaption><small>{_times(results[row].attention[index])}</small></figcaption></figure>"
            for row, index in places
        )
        + "</div>"
        for word, places in list(seen.items())[:_WORDS]
        if len({row for row, _ in places}) > 1
    ]


def _by_photo(result: CaptionResult, picture: PagePhoto) -> str:
    notes = [_times(attention) for attention in result.attention]
    return (
        f'<article class="sample"><div>{picture.html(label="the photo")}</div>'
        f'<div><p><span class="said">{escape(result.text)}</span> '
        f'<span class="muted">confidence {percent(result.confidence)}</span></p>'
        f"{attention_panels(picture, [word.text for word in result.words], notes, result.attention)}</div></article>"
    )


def _sharpness(attention: np.ndarray) -> float:
    """The largest weight of a map over the uniform weight, up to the rounding of 255 steps."""
    return float(attention.max() / attention.mean())


def _times(attention: np.ndarray) -> str:
    return f"×{_sharpness(attention):.1f}"
