import pytest

from webapp.exchange.file_names import FileNames, name_parts, name_writable
from webapp.exchange.formats.side_cars import TXT, XMP


def named(names: FileNames, *given: str) -> list[str]:
    """The photos' ids are 1, 2, 3, ..."""
    return [names.name(name, photo_id=number) for number, name in enumerate(given, start=1)]


def test_first_photo_keeps_the_name_and_later_ones_get_their_id() -> None:
    assert named(FileNames(), "a.jpg", "a.jpg", "b.jpg", "a.jpg") == ["a.jpg", "a (2).jpg", "b.jpg", "a (4).jpg"]


def test_name_that_looks_like_a_distinct_one_is_distinct_from_it() -> None:
    assert named(FileNames(), "a.jpg", "a.jpg", "a (2).jpg") == ["a.jpg", "a (2).jpg", "a (2) (3).jpg"]


@pytest.mark.parametrize("other", ["A.JPG", "ａ.jpg"])
def test_names_that_a_file_system_may_take_for_one_are_distinct(other: str) -> None:
    assert named(FileNames(), "a.jpg", other)[1].endswith((" (2).JPG", " (2).jpg"))


def test_forms_of_an_accent_are_one_name() -> None:
    assert named(FileNames(), "e\u0301.jpg", "\u00e9.jpg") == ["\u00e9.jpg", "\u00e9 (2).jpg"]


def test_photos_of_one_stem_have_text_files_of_their_own() -> None:
    assert named(FileNames(side_car=TXT.name), "a.jpg", "a.png") == ["a.jpg", "a (2).png"]
    assert named(FileNames(side_car=XMP.name), "a.jpg", "a.png") == ["a.jpg", "a.png"]


def test_photo_that_is_named_as_a_side_car_is_distinct_from_it() -> None:
    assert named(FileNames(side_car=TXT.name), "a.jpg", "a.txt") == ["a.jpg", "a.txt (2)"]


def test_reserved_name_is_given_to_no_photo() -> None:
    assert named(FileNames(reserved=["MISSING.txt"], side_car=TXT.name), "missing.jpg") == ["missing (1).jpg"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a:b?.jpg", "a_b_.jpg"), ("../a.jpg", "_a.jpg"), (".hidden.jpg", "hidden.jpg"), ("a. ", "a"), ("...", "photo"),
        ("CON.jpg", "_CON.jpg"), ("com1", "_com1"), ("console.jpg", "console.jpg"), ("a\u202eb.jpg", "a_b.jpg"),
        ("a\nb.jpg", "a_b.jpg"), ("کلب.jpg", "کلب.jpg"), ("🐕.jpg", "🐕.jpg"), (".jpg", "jpg"), ("a .jpg", "a.jpg"),
    ],
)  # fmt: skip
def test_name_is_one_that_every_system_writes(name: str, written: str) -> None:
    assert name_writable(name) == written


def test_long_name_is_cut_between_letters_and_keeps_its_suffix() -> None:
    name = name_writable(f"{'é' * 250}.jpeg")
    assert name == f"{'é' * 97}.jpeg"


def test_suffix_is_a_photos_or_none() -> None:
    assert [name_parts(name) for name in ("a.b.JPG", "a.2024", "a")] == [("a.b", ".JPG"), ("a.2024", ""), ("a", "")]
