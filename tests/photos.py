"""Photos for tests: small pictures that differ, and their rows without the way through an upload."""

import hashlib
import io

import numpy as np
from django.conf import settings
from django.db.models.functions import Now
from PIL import Image

from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.photos.models import Photo


def picture(seed: int, *, size: tuple[int, int] = (96, 64)) -> bytes:
    """A JPEG of coloured blocks, another for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST).save(file, "JPEG", quality=90)
    return file.getvalue()


def photo_store(user: User, content: bytes, *, lane: str = "interactive", state: str = "queued") -> Photo:
    """A photo's row, its job and its original, whatever its bytes are."""
    sha256 = hashlib.sha256(content).hexdigest()
    original = settings.MEDIA_ROOT / "photos" / sha256[:2] / f"{user.pk}-{sha256}" / "original"
    original.parent.mkdir(parents=True, exist_ok=True)
    original.write_bytes(content)
    relative = str(original.relative_to(settings.MEDIA_ROOT))
    photo = Photo.objects.create(
        owner=user, sha256=sha256, name=f"{sha256[:8]}.jpg", original=relative, thumbnail=relative, preview=relative,
        format="JPEG", width=96, height=64, size_bytes=len(content),
    )  # fmt: skip
    CaptionJob.objects.create(photo=photo, lane=lane, state=state, queued_at=Now())
    return photo
