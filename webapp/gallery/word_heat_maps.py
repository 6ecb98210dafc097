"""Data for the photo page: where the model looked for each word."""

import base64
import math
from typing import Any

from webapp.captioning.models import Caption
from webapp.captioning.seen_objects import word_certainty


def attention_view(caption: Caption) -> dict[str, Any]:
    """The words with their probability and its quarter (`level`, 0 to 3), and the maps for the script.

    `classified`: the image classifier chose the word, and the probability is the classifier's.
    `maps`: {"shape": [words, height, width], "data": base64 of uint8, "resize": the bundle's resize policy, which tells
    which part of the photo the maps cover}; None if the model has no attention.
    """
    words = []
    for index, word in enumerate(caption.words):
        probability, classified = word_certainty(word)
        level = min(3, int(probability * 4))
        words.append(
            {
                "index": index,
                "text": word["text"],
                "probability": probability,
                "level": level,
                "classified": classified,
            }
        )
    shape = caption.attention_shape
    maps = None
    if len(shape) == 3 and len(caption.attention) == math.prod(shape) > 0:
        resize = caption.model_version.config.get("preprocessing", {}).get("resize", "squash")
        maps = {"shape": shape, "data": base64.b64encode(bytes(caption.attention)).decode(), "resize": resize}
    return {"words": words, "maps": maps, "classified": any(word["classified"] for word in words)}
