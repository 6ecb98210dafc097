"""A tiny data set in COCO's form: photos of one colour each, and what people would say of them."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

SAYINGS = {
    "red": ["A red dog runs on the grass .", "a red dog runs"],
    "blue": ["Two blue boats sail .", "two blue boats sail on the sea"],
    "white": ["A white house in the snow .", "a white house"],
    "black": ["Three black birds sing .", "three black birds sing at night"],
}


def dataset_write(
    folder: Path,
    name: str = "captions.json",
    *,
    copies: int = 1,
    prefix: str = "",
    size: tuple[int, int] = (40, 30),
) -> Path:
    """Writes photos and captions; returns the captions file. Photos lie in `folder`/images, named `prefix`COLOUR-COPY.

    No two photos of one size are alike; those of another `size` are other photos.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for colour, captions in SAYINGS.items():
        for copy in range(copies):
            image_id = len(images) + 1
            file_name = f"{prefix}{colour}-{copy}.png"
            Image.new("RGB", (size[0] + copy, size[1]), colour).save(folder / "images" / file_name)
            images.append({"id": image_id, "file_name": file_name})
            for caption in captions:
                annotations.append({"id": len(annotations) + 1, "image_id": image_id, "caption": caption})
    return captions_write(folder / name, {"images": images, "annotations": annotations})


def captions_write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
