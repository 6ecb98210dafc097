"""What the table of `make demo` tells beside a caption."""

from typing import Any

import pytest

from launcher.demo import objects_note


def row(caption: str, *, confidence: float, borrowed: str = "", **objects: float) -> dict[str, Any]:
    words = [{"text": word} | ({"seen": 0.9} if word == borrowed else {}) for word in caption.split()]
    seen = [{"word": word, "probability": probability} for word, probability in objects.items()]
    return {"caption": caption, "confidence": confidence, "words": words, "objects": seen}


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (row("A dog runs", confidence=0.45, dog=0.9), ""),
        (row("A dog runs", confidence=0.45, dog=0.9, fence=0.4), ""),
        (row("A dog runs", confidence=0.45, fence=0.6), "fence (0.60)"),
        (row("A dog runs", confidence=0.2, dog=0.9), ""),
        (row("Two dogs run", confidence=0.2, dog=0.9), ""),
        (row("A man is carrying a bag", confidence=0.45, car=0.9), "car (0.90)"),
        (row("A man stands", confidence=0.2), "outside what it was trained on"),
        (row("A cat sits", confidence=0.3, borrowed="cat", cat=0.9), "outside what it was trained on"),
        (row("A cat sits", confidence=0.4, borrowed="cat", cat=0.9), ""),
        (row("A man stands", confidence=0.2, piano=0.8), "piano (0.80), outside what it was trained on"),
    ],
)
def test_demo_tells_what_the_caption_leaves_out_and_what_the_model_does_not_know(given, note):
    assert objects_note(given) == note
