"""Files into pixels: formats, modes, orientation, resize policies, and every way to fail."""

import contextlib
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from captioner.config import Preprocessing
from captioner.errors import PHOTO_ERROR_CODES, PhotoError
from captioner.preprocessing import photo_pixels
from tests.captioner.photo_files import BLUE, GREEN, RED, YELLOW, alike, corners, encoded, quarters
from tests.missing_services import SHARED

SQUASH = Preprocessing(size=32)
QUARTERS = [RED, GREEN, BLUE, YELLOW]
WHITE = (255, 255, 255)


def failure(source: bytes | str | Path, **limits: int) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        photo_pixels(source, preprocessing=SQUASH, **limits)
    assert caught.value.code in PHOTO_ERROR_CODES
    return caught.value


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF"])
def test_photo_pixels_reads_every_accepted_format(format_):
    pixels = photo_pixels(encoded(quarters(), format_), preprocessing=SQUASH)

    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert alike(corners(pixels), QUARTERS)


def test_photo_pixels_reads_a_path_as_it_reads_bytes(tmp_path):
    data = encoded(quarters(), "PNG")
    (tmp_path / "photo.bin").write_bytes(data)

    from_path = photo_pixels(tmp_path / "photo.bin", preprocessing=SQUASH)

    assert np.array_equal(from_path, photo_pixels(data, preprocessing=SQUASH))


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "RGBA", "RGBX", "LAB"])
def test_photo_pixels_turns_every_colour_mode_into_rgb(mode):
    image = quarters()
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
        assert converted is not None
    else:
        converted = image.convert(mode)

    assert alike(corners(photo_pixels(encoded(converted, "TIFF"), preprocessing=SQUASH)), QUARTERS)


def test_photo_pixels_reads_a_cmyk_jpeg_with_the_right_colours():
    pixels = photo_pixels(encoded(quarters().convert("CMYK"), "JPEG", quality=95), preprocessing=SQUASH)

    assert alike(corners(pixels), QUARTERS)


@pytest.mark.parametrize(
    ("dtype", "black", "white"),
    [
        (np.uint8, 0, 255),
        (np.uint16, 0, 65535),  # 16 bits: a fixed white
        (np.int32, 0, 65535),  # 16 bits in 32
        (np.int32, 0, 255),
        (np.int32, -1000, 5000),  # stretched
        (np.float32, 0.0, 1.0),
        (np.float32, 0.0, 255.0),
        (np.float32, -3.5, 800.0),  # stretched
    ],
)
def test_photo_pixels_reads_grey_of_every_depth(dtype, black, white):
    values = np.full((40, 40), black, dtype)
    values[:, 20:] = white

    pixels = photo_pixels(encoded(Image.fromarray(values), "TIFF"), preprocessing=SQUASH)

    assert corners(pixels) == [(0, 0, 0), WHITE, (0, 0, 0), WHITE]


@pytest.mark.parametrize("value", [np.float32(1000), np.float32(-5), np.int32(70_000), np.int32(-7)])
def test_photo_pixels_of_one_grey_beyond_its_scale_are_black(value):
    pixels = photo_pixels(encoded(Image.fromarray(np.full((40, 40), value)), "TIFF"), preprocessing=SQUASH)

    assert (pixels == 0).all()


def test_photo_pixels_allows_more_pixels_than_pillow_by_itself():
    data = encoded(Image.new("1", (10_000, 9_000)), "PNG")  # 90 megapixels; Pillow warns beyond 89.5

    assert photo_pixels(data, preprocessing=SQUASH, max_pixels=100_000_000).shape == (32, 32, 3)


def test_photo_pixels_takes_a_float_that_is_no_number_for_black():
    values = np.full((40, 40), np.nan, np.float32)
    values[:, 20:] = 1

    pixels = photo_pixels(encoded(Image.fromarray(values), "TIFF"), preprocessing=SQUASH)

    assert corners(pixels)[0] == (0, 0, 0)


def test_photo_pixels_reads_one_bit_pictures():
    image = Image.new("1", (40, 40), 0)
    image.paste(1, (20, 0, 40, 40))

    assert corners(photo_pixels(encoded(image, "PNG"), preprocessing=SQUASH)) == [(0, 0, 0), WHITE, (0, 0, 0), WHITE]


def _transparent_right(mode: str) -> Image.Image:
    image = Image.new("RGBA", (40, 40), (*RED, 255))
    image.paste((*RED, 0), (20, 0, 40, 40))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_photo_pixels_puts_transparency_on_white(mode):
    pixels = photo_pixels(encoded(_transparent_right(mode), "TIFF"), preprocessing=SQUASH)

    left, right = corners(pixels)[:2]
    assert (right, left == WHITE) == (WHITE, False)


def test_photo_pixels_puts_premultiplied_transparency_on_white():
    image = _transparent_right("RGBA").convert("RGBa")

    assert corners(photo_pixels(encoded(image, "HEIF", quality=100), preprocessing=SQUASH))[1] == WHITE


@pytest.mark.parametrize(("mode", "transparent"), [("P", 0), ("L", 7), ("RGB", (7, 7, 7)), ("1", 0)])
def test_photo_pixels_puts_the_transparent_colour_of_a_png_on_white(mode, transparent):
    image = Image.new(mode, (40, 40), transparent)

    pixels = photo_pixels(encoded(image, "PNG", transparency=transparent), preprocessing=SQUASH)

    assert corners(pixels) == [WHITE] * 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_photo_pixels_are_upright(format_, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quarters()
    if orientation in undo:
        image = image.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation

    pixels = photo_pixels(encoded(image, format_, exif=exif), preprocessing=SQUASH)

    assert alike(corners(pixels), QUARTERS)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photo_pixels_of_heic_are_turned_once(orientation):
    # HEIC says it twice, in the container and in EXIF. pillow-heif writes both and gives the picture upright.
    exif = Image.Exif()
    exif[0x0112] = orientation

    assert alike(corners(photo_pixels(encoded(quarters(), "HEIF", exif=exif), preprocessing=SQUASH)), QUARTERS)


@pytest.mark.parametrize(
    "exif",
    [
        b" nonsense",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x03\0\0\0up\0\0\0\0\0\0",  # the orientation is the text "up"
    ],
)
def test_photo_pixels_ignore_exif_that_cannot_be_read(exif):
    assert alike(
        corners(photo_pixels(encoded(quarters(), "JPEG", exif=b"Exif\0\0" + exif), preprocessing=SQUASH)), QUARTERS
    )


def test_photo_pixels_ignore_an_orientation_that_does_not_exist():
    exif = Image.Exif()
    exif[0x0112] = 9

    assert alike(corners(photo_pixels(encoded(quarters(), "JPEG", exif=exif), preprocessing=SQUASH)), QUARTERS)


def test_photo_pixels_squash_ignores_the_aspect_ratio():
    pixels = photo_pixels(encoded(quarters((200, 20)), "PNG"), preprocessing=SQUASH)

    assert corners(pixels) == QUARTERS


def test_photo_pixels_crop_takes_the_centre_square():
    image = Image.new("RGB", (90, 30), RED)
    image.paste(BLUE, (30, 0, 60, 30))

    pixels = photo_pixels(encoded(image, "PNG"), preprocessing=Preprocessing(size=32, resize="crop"))

    assert (pixels[:, 4:-4] == BLUE).all()  # the filter sees a little of what lies beside the cut


def test_photo_pixels_pad_keeps_the_aspect_ratio_on_white():
    image = Image.new("RGB", (60, 30), RED)

    pixels = photo_pixels(encoded(image, "PNG"), preprocessing=Preprocessing(size=32, resize="pad"))

    assert (pixels[8:24] == RED).all()
    assert (pixels[:8] == 255).all()
    assert (pixels[24:] == 255).all()


def test_photo_pixels_pad_reads_a_line_of_pixels():
    pixels = photo_pixels(
        encoded(Image.new("RGB", (2000, 1), RED), "PNG"), preprocessing=Preprocessing(size=32, resize="pad")
    )

    assert (pixels == RED).all(axis=-1).sum() == 32


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_photo_pixels_knows_every_interpolation(interpolation):
    pixels = photo_pixels(encoded(quarters(), "PNG"), preprocessing=Preprocessing(size=32, interpolation=interpolation))

    assert corners(pixels) == QUARTERS


def test_photo_pixels_of_a_large_jpeg_agree_with_those_of_the_whole_picture():
    gradient = np.add.outer(np.linspace(0, 120, 900), np.linspace(0, 120, 1200)).astype(np.uint8)
    image = Image.fromarray(np.stack([gradient, 255 - gradient, gradient // 2], -1))

    from_jpeg = photo_pixels(encoded(image, "JPEG", quality=98), preprocessing=SQUASH)
    from_png = photo_pixels(encoded(image, "PNG"), preprocessing=SQUASH)

    assert alike(from_jpeg, from_png, tolerance=4)


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF"])
def test_photo_pixels_of_an_animation_are_its_first_frame(format_):
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, BLUE)]

    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:])

    assert alike(photo_pixels(data, preprocessing=SQUASH), RED)


def test_photo_pixels_reads_a_photo_of_several_pictures_as_phones_write_them():
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, BLUE)]

    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])

    assert alike(photo_pixels(data, preprocessing=SQUASH), RED)


def test_photo_that_is_empty_says_so():
    error = failure(b"")

    assert error.code == "empty"
    assert "0 bytes" in str(error)


def test_photo_with_too_many_bytes_names_both_numbers():
    error = failure(encoded(quarters(), "PNG"), max_bytes=100)

    assert error.code == "too_many_bytes"
    assert "100" in error.message


def test_photo_with_too_many_pixels_names_both_numbers():
    error = failure(encoded(quarters((64, 48)), "PNG"), max_pixels=3000)

    assert error.code == "too_many_pixels"
    assert "64 x 48 = 3,072" in error.message
    assert "3,000" in error.message


@pytest.mark.parametrize("side", [11_000, 60_000])  # above Pillow's warning, above its own error
def test_photo_that_is_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    assert failure(_png(width=side, height=side)).code == "too_many_pixels"


def _png(*, width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"".join(parts)


@pytest.mark.parametrize("data", [b"hello, world", b"%PDF-1.7\n" * 20, b"PK\x03\x04" + bytes(100), bytes(1000)])
def test_photo_that_is_no_picture_names_the_accepted_formats(data):
    error = failure(data)

    assert error.code == "not_an_image"
    assert "JPEG" in error.message


@pytest.mark.parametrize("format_", ["BMP", "PPM", "TGA", "ICO", "PCX"])
def test_photo_of_another_format_names_it(format_):
    error = failure(encoded(quarters(), format_))

    assert error.code == "unsupported_format"
    assert error.message.startswith(format_)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_photo_that_was_cut_short_is_refused(format_):
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), format_)

    assert failure(data[: len(data) // 2]).code in {"truncated", "unreadable"}


@pytest.mark.parametrize("format_", ["AVIF", "HEIF"])
def test_photo_of_a_container_format_that_was_cut_short_is_refused(format_):
    data = encoded(quarters(), format_)

    failure(data[: len(data) * 2 // 3])


def test_photo_that_was_cut_short_says_so():
    data = encoded(quarters((400, 400)), "JPEG", quality=95)

    assert failure(data[: len(data) // 2]).code == "truncated"


def test_photo_with_a_damaged_header_is_unreadable():
    data = bytearray(encoded(quarters(), "PNG"))
    data[20] ^= 255

    error = failure(bytes(data))

    assert error.code == "unreadable"
    assert "damaged" in error.message


@pytest.mark.parametrize("name", ["missing.jpg", "nul\0.jpg", "x" * 4000])
def test_photo_path_that_cannot_be_opened_is_unreadable(name, tmp_path):
    assert failure(f"{tmp_path}/{name}").code == "unreadable"


def test_photo_path_of_a_folder_is_unreadable(tmp_path):
    assert failure(tmp_path).code == "unreadable"


def test_photo_that_runs_out_of_memory_is_unreadable():
    # 40 MB are enough for the grey picture (16 MB), not for its colours (64 MB).
    script = """
import pathlib, resource, sys
from captioner.config import Preprocessing
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels
data = sys.stdin.buffer.read()
now = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 40 * 2**20, resource.RLIM_INFINITY))
try:
    photo_pixels(data, preprocessing=Preprocessing())
except PhotoError as error:
    print(error.code, error.message)
"""
    data = encoded(Image.new("L", (4000, 4000)), "TIFF", compression="tiff_deflate")

    run = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)

    assert run.stdout.startswith(b"unreadable Memory ran out"), run.stdout + run.stderr


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_photo_with_random_damage_gives_pixels_or_a_photo_error(format_):
    data = encoded(quarters(), format_)
    random = np.random.default_rng(2)

    for _ in range(60):
        damaged = bytearray(data)
        for position in random.integers(0, len(damaged), 6):
            damaged[position] = random.integers(256)
        with contextlib.suppress(PhotoError):  # any other exception fails the test
            assert photo_pixels(bytes(damaged), preprocessing=SQUASH).shape == (32, 32, 3)


def test_preprocessing_needs_no_torch():
    script = "import sys, captioner.preprocessing, captioner.bundle; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


PNGSUITE = SHARED / "pngsuite" / "png"


@pytest.fixture(scope="module")
def pngsuite() -> Path:
    if not PNGSUITE.is_dir():
        pytest.skip(f"PngSuite is not at {PNGSUITE.parent.parent.name}/pngsuite/png beside the checkout")
    return PNGSUITE


def test_pngsuite_valid_pictures_are_all_read(pngsuite):
    for path in pngsuite.glob("[!x]*.png"):
        assert photo_pixels(path, preprocessing=SQUASH).shape == (32, 32, 3)


def test_pngsuite_broken_pictures_are_refused(pngsuite):
    # Pillow reads xcsn0g01 on purpose: only the checksum of its pixels is wrong.
    for path in pngsuite.glob("x*.png"):
        if path.name != "xcsn0g01.png":
            assert failure(path).code in {"unreadable", "not_an_image"}
