import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from tests.pictures import noise, picture, png_bomb
from webapp.photos.errors import PhotoRejected
from webapp.photos.imaging import Inspection, Limits, photo_inspect

LIMITS = Limits(max_bytes=20 * 2**20, max_pixels=50_000_000)


def inspect(folder: Path, content: bytes, limits: Limits = LIMITS) -> Inspection:
    path = folder / "file"
    path.write_bytes(content)
    return photo_inspect(path, limits)


def rejection(folder: Path, content: bytes, limits: Limits = LIMITS) -> PhotoRejected:
    with pytest.raises(PhotoRejected) as caught:
        inspect(folder, content, limits)
    return caught.value


def pixel(file: bytes, at: tuple[int, int]) -> tuple[int, ...]:
    found = Image.open(io.BytesIO(file)).getpixel(at)
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", "JPEG"),
        ("PNG", "PNG"),
        ("WEBP", "WEBP"),
        ("AVIF", "AVIF"),
        ("HEIF", "HEIC"),
        ("TIFF", "TIFF"),
        ("GIF", "GIF"),
    ],
)
def test_photo_inspect_opens_each_accepted_format(tmp_path: Path, kind: str, name: str) -> None:
    found = inspect(tmp_path, picture("red", kind=kind))
    assert (found.format, found.width, found.height) == (name, 96, 64)
    red, green, blue = pixel(found.thumbnail, (48, 32))
    assert red > 230
    assert max(green, blue) < 30


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("size", "shown"), [((96, 64), (64, 96)), ((3200, 400), (200, 1600))])
def test_photo_inspect_turns_the_picture_upright(
    tmp_path: Path, kind: str, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the right side of the file is the top
    found = inspect(tmp_path, picture(size=size, kind=kind, exif=exif))
    assert (found.width, found.height) == size[::-1]
    assert Image.open(io.BytesIO(found.preview)).size == shown


def test_photo_inspect_removes_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    exif.get_ifd(0x8825)[1] = "N"
    found = inspect(tmp_path, picture(exif=exif, comment=b"secret comment"))
    for file in (found.thumbnail, found.preview):
        assert b"secret" not in file
        assert not Image.open(io.BytesIO(file)).getexif()


def test_photo_inspect_does_not_carry_along_what_hides_in_a_file(tmp_path: Path) -> None:
    found = inspect(tmp_path, picture(kind="PNG") + b"<script>alert(1)</script>")
    assert b"<script>" not in found.preview


def test_photo_inspect_puts_transparency_on_white(tmp_path: Path) -> None:
    found = inspect(tmp_path, picture((0, 0, 0, 0), kind="PNG", mode="RGBA"))
    assert pixel(found.preview, (5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "kind", "value", "grey"),
    [
        ("L", "PNG", 100, 100),
        ("1", "PNG", 1, 255),
        ("LA", "PNG", (100, 255), 100),
        ("P", "GIF", 0, 0),
        ("I;16", "PNG", 32768, 127),
        ("I", "TIFF", 100, 100),
        ("F", "TIFF", 0.5, 127),
        ("CMYK", "JPEG", (0, 0, 0, 0), 255),
    ],
)
def test_photo_inspect_shows_every_mode_as_it_is_meant(
    tmp_path: Path, mode: str, kind: str, value: object, grey: int
) -> None:
    found = inspect(tmp_path, picture(value, mode=mode, kind=kind))
    assert all(abs(channel - grey) <= 2 for channel in pixel(found.preview, (5, 5)))


def test_photo_inspect_shrinks_a_sixteen_bit_picture(tmp_path: Path) -> None:
    found = inspect(tmp_path, picture(32768, mode="I;16", kind="PNG", size=(2000, 20)))
    preview = Image.open(io.BytesIO(found.preview))
    assert preview.size == (1600, 16)
    assert pixel(found.preview, (800, 8))[0] in range(125, 130)


def test_photo_inspect_takes_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    found = inspect(tmp_path, buffer.getvalue())
    assert pixel(found.preview, (10, 10))[0] > 230


def test_photo_inspect_limits_the_size_of_what_pages_show(tmp_path: Path) -> None:
    found = inspect(tmp_path, picture(size=(4000, 1000)))
    assert (found.width, found.height) == (4000, 1000)
    assert Image.open(io.BytesIO(found.preview)).size == (1600, 400)
    assert Image.open(io.BytesIO(found.thumbnail)).size == (480, 120)


def test_photo_inspect_rejects_an_empty_file(tmp_path: Path) -> None:
    assert rejection(tmp_path, b"").code == "empty"


def test_photo_inspect_rejects_what_is_no_image(tmp_path: Path) -> None:
    error = rejection(tmp_path, b"#!/bin/sh\necho hello\n")
    assert error.code == "not_an_image"
    assert "JPEG, PNG" in error.message


def test_photo_inspect_rejects_another_format_by_name(tmp_path: Path) -> None:
    error = rejection(tmp_path, picture(kind="BMP"))
    assert error.code == "unsupported_format"
    assert "BMP" in error.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_photo_inspect_rejects_a_file_that_lacks_its_end(tmp_path: Path, kind: str) -> None:
    content = noise(kind=kind)
    assert rejection(tmp_path, content[: len(content) * 2 // 3]).code in {"truncated", "unreadable", "not_an_image"}


def test_photo_inspect_rejects_a_jpeg_that_lacks_its_last_lines(tmp_path: Path) -> None:
    content = noise(size=(400, 400))
    assert rejection(tmp_path, content[:-2000]).code == "truncated"


def test_photo_inspect_rejects_too_many_bytes(tmp_path: Path) -> None:
    error = rejection(tmp_path, picture(), Limits(max_bytes=100, max_pixels=10**6))
    assert error.code == "too_many_bytes"
    assert "the limit is 100" in error.message


def test_photo_inspect_rejects_too_many_pixels(tmp_path: Path) -> None:
    error = rejection(tmp_path, picture(), Limits(max_bytes=10**6, max_pixels=6143))
    assert error.code == "too_many_pixels"
    assert "96 × 64 = 6,144 pixels; the limit is 6,143. Make it smaller." in error.message


def test_photo_inspect_rejects_a_decompression_bomb_unopened(tmp_path: Path) -> None:
    bomb = png_bomb()
    assert len(bomb) < 100_000
    assert rejection(tmp_path, bomb).code == "too_many_pixels"


def test_photo_inspect_survives_whatever_a_decoder_raises(tmp_path: Path) -> None:
    content = bytearray(noise(kind="PNG"))
    content[41:45] = bytes(4)  # where the compressed pixels begin
    assert rejection(tmp_path, bytes(content)).code in {"unreadable", "truncated"}


def test_photo_inspect_takes_colours_by_their_profile(tmp_path: Path) -> None:
    """Bytes of a profile with other primaries are not the bytes that a page has to show."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = pixel(inspect(tmp_path, picture((200, 60, 60), kind="PNG")).preview, (5, 5))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = pixel(inspect(tmp_path, picture((200, 60, 60), kind="PNG", icc_profile=srgb)).preview, (5, 5))
    misfit = pixel(inspect(tmp_path, picture((200, 60, 60), kind="PNG", icc_profile=profile)).preview, (5, 5))
    broken = pixel(inspect(tmp_path, picture((200, 60, 60), kind="PNG", icc_profile=b"none")).preview, (5, 5))
    assert plain == misfit == broken
    assert all(abs(one - other) <= 2 for one, other in zip(plain, same, strict=True))


def test_photo_inspect_does_not_mind_broken_metadata(tmp_path: Path) -> None:
    found = inspect(tmp_path, picture(kind="WEBP", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken"))
    assert (found.width, found.height) == (96, 64)


@pytest.mark.parametrize(("mode", "kind"), [("P", "GIF"), ("1", "PNG"), ("LAB", "TIFF"), ("I", "TIFF"), ("F", "TIFF")])
def test_photo_inspect_shrinks_every_mode(tmp_path: Path, mode: str, kind: str) -> None:
    found = inspect(tmp_path, picture(0, mode=mode, kind=kind, size=(1700, 20)))
    assert Image.open(io.BytesIO(found.preview)).size == (1600, 19)


@pytest.mark.parametrize(("values", "greys"), [((0, 65535), (0, 255)), ((-10, 10), (0, 255)), ((0, 10**6), (0, 255))])
def test_photo_inspect_stretches_grey_values_without_a_white(
    tmp_path: Path, values: tuple[int, int], greys: tuple[int, int]
) -> None:
    image = Image.new("I", (40, 20), values[0])
    image.paste(values[1], (20, 0, 40, 20))
    buffer = io.BytesIO()
    image.save(buffer, "TIFF")
    found = inspect(tmp_path, buffer.getvalue())
    for at, grey in zip(((4, 10), (36, 10)), greys, strict=True):
        assert abs(pixel(found.preview, at)[0] - grey) <= 3
