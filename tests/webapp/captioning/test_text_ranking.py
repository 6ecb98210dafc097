from datetime import UTC, datetime

import pytest

from webapp.captioning.text_ranking import Said, ShownText, text_rank

WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
DECIDED = datetime(2026, 11, 2, tzinfo=UTC)


def said(number: int, *, active: bool = False, decision: int = 0, verdict: str = "undecided", edited: str = "") -> Said:
    decided_at = DECIDED if decision else None
    objects = (f"object {number}", "Table")
    return Said(number, f"caption {number}", WRITTEN, active, objects, decision, verdict, edited, decided_at)


def rank(*captions: Said) -> ShownText:
    return text_rank(captions, name="IMG_1.jpg")


def test_ranking_of_no_caption_is_no_text() -> None:
    assert rank() == ShownText(search_words="img 1 jpg")


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ([said(1), said(2)], ("caption 2", 2, "undecided")),
        ([said(1, active=True), said(2)], ("caption 1", 1, "undecided")),
        ([said(1, decision=1, verdict="approved"), said(2, active=True)], ("caption 1", 1, "approved")),
        ([said(1, decision=1, verdict="edited", edited="Mine."), said(2, active=True)], ("Mine.", 1, "edited")),
        (
            [said(1, decision=2, verdict="edited", edited="Mine."), said(2, decision=1, verdict="approved")],
            ("Mine.", 1, "edited"),
        ),
        (
            [said(1, decision=1, verdict="edited", edited="Mine."), said(2, decision=2, verdict="approved")],
            ("caption 2", 2, "approved"),
        ),
        (
            [said(1, decision=1, verdict="approved"), said(2, decision=2, verdict="rejected")],
            ("caption 1", 1, "approved"),
        ),
        ([said(1), said(2, active=True, decision=1, verdict="rejected")], ("caption 2", 2, "rejected")),
    ],
    ids=[
        "newest", "active before newest", "approved before active", "edited before active", "newest of two people's",
        "approved after edited", "rejected is no person's text", "rejected by the active model",
    ],
)  # fmt: skip
def test_ranking_takes(captions: list[Said], expected: tuple[str, int, str]) -> None:
    shown = rank(*captions)
    assert (shown.text, shown.caption_id, shown.review_state) == expected
    assert rank(*reversed(captions)) == shown


@pytest.mark.parametrize(
    ("caption", "by", "at"),
    [
        (said(1), "model", WRITTEN),
        (said(1, decision=1, verdict="approved"), "model", DECIDED),
        (said(1, decision=1, verdict="edited", edited="Mine."), "person", DECIDED),
        (said(1, decision=1, verdict="rejected"), "model", DECIDED),
    ],
    ids=["undecided", "approved", "edited", "rejected"],
)
def test_ranking_tells_who_wrote_it_and_when_it_was_decided_on(caption: Said, by: str, at: datetime) -> None:
    assert (rank(caption).text_by, rank(caption).text_at) == (by, at)


def test_ranking_gives_the_words_of_text_and_file_name_for_the_search() -> None:
    assert rank(said(1)).search_words == "caption 1 ¦ img 1 jpg"


@pytest.mark.parametrize(
    ("captions", "number"),
    [
        ([said(1), said(2)], 2),
        ([said(1, active=True), said(2)], 1),
        ([said(1, decision=1, verdict="approved"), said(2, active=True)], 1),
        ([said(1, active=True, decision=1, verdict="rejected"), said(2)], 1),
        ([said(1, decision=1, verdict="edited", edited="Mine."), said(2, active=True)], 2),
        ([said(1, active=True), said(2, decision=1, verdict="edited", edited="Mine.")], 1),
    ],
    ids=["newest", "active", "approved", "rejected", "active under a person's text", "active, though older"],
)
def test_ranking_gives_the_objects_of_the_caption_that_stands_or_of_the_active_model(
    captions: list[Said], number: int
) -> None:
    assert rank(*captions).search_objects == f"object {number} ¦ table"
