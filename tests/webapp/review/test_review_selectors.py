import pytest

from tests.webapp.rows import caption_make, model_version_make
from webapp.accounts.models import User
from webapp.captioning.models import Caption
from webapp.captioning.services import decisions as services
from webapp.review import selectors
from webapp.review.selectors import Filters


@pytest.fixture
def captions(user: User) -> list[Caption]:
    """By rising confidence: undecided, rejected, undecided, approved."""
    version = model_version_make()
    made = [caption_make(user, version, confidence=confidence) for confidence in (0.1, 0.3, 0.5, 0.9)]
    services.caption_reject(caption=made[1], reviewer=user, seen=None)
    services.caption_approve(caption=made[3], reviewer=user, seen=None)
    return made


def ids(filters: Filters) -> list[int]:
    return [caption.pk for caption in selectors.captions_filter(selectors.captions_for_review(), filters)]


def test_undecided_come_first_and_the_least_confident_of_them(captions: list[Caption]) -> None:
    a, b, c, d = (caption.pk for caption in captions)
    assert ids(Filters()) == [a, c, b, d]


def test_newest_decision_counts(captions: list[Caption], user: User) -> None:
    review = selectors.caption_decisions(captions[1]).get()
    services.caption_edit(caption=captions[1], reviewer=user, text="Better.", seen=review.pk)
    row = selectors.captions_for_review().get(pk=captions[1].pk)
    assert (row.review_state, row.reviewed_text) == ("edited", "Better.")


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        (Filters(decision="undecided"), [0, 2]),
        (Filters(decision="rejected"), [1]),
        (Filters(decision="edited"), []),
        (Filters(confidence="0-20"), [0]),
        (Filters(confidence="80-100"), [3]),
        (Filters(decision="undecided", confidence="40-60"), [2]),
        (Filters(decision="nonsense", confidence="x", model_version="²"), [0, 2, 1, 3]),
    ],
    ids=str,
)
def test_filters_narrow(captions: list[Caption], filters: Filters, chosen: list[int]) -> None:
    assert ids(filters) == [captions[index].pk for index in chosen]


def test_filter_by_model_version(captions: list[Caption], user: User) -> None:
    other = caption_make(user, model_version_make())
    assert ids(Filters(model_version=str(other.model_version_id))) == [other.pk]


def test_next_is_the_next_undecided_and_goes_round(captions: list[Caption]) -> None:
    following = selectors.caption_next(filters=Filters(), after=captions[0])
    assert following == captions[2]
    assert selectors.caption_next(filters=Filters(), after=captions[2]) == captions[0]


def test_next_keeps_to_a_chosen_decision(captions: list[Caption]) -> None:
    assert selectors.caption_next(filters=Filters(decision="approved"), after=captions[0]) == captions[3]


def test_next_is_none_where_no_other_is_left(captions: list[Caption]) -> None:
    assert selectors.caption_next(filters=Filters(decision="rejected"), after=captions[1]) is None


def test_progress_counts_captions_not_decisions(captions: list[Caption], user: User) -> None:
    review = selectors.caption_decisions(captions[1]).get()
    services.caption_approve(caption=captions[1], reviewer=user, seen=review.pk)
    assert selectors.review_progress(Filters()) == selectors.Progress(decided=2, total=4)


def test_progress_is_that_of_the_filters(captions: list[Caption]) -> None:
    filters = Filters(decision="undecided", confidence="80-100")
    assert selectors.review_progress(filters) == selectors.Progress(decided=1, total=1)


def test_band_of_confidence_keeps_the_order_of_the_queue(user: User) -> None:
    version = model_version_make()
    made = [caption_make(user, version, confidence=confidence) for confidence in (0.41, 0.45, 0.5, 0.59)]
    services.caption_approve(caption=made[0], reviewer=user, seen=None)
    services.caption_reject(caption=made[1], reviewer=user, seen=None)
    assert ids(Filters(confidence="40-60")) == [made[number].pk for number in (2, 3, 1, 0)]


def test_reviewers_are_those_who_decided(captions: list[Caption], user: User, other_user: User) -> None:
    assert list(selectors.reviewers()) == [user]
    services.caption_approve(caption=captions[0], reviewer=other_user, seen=None)
    assert list(selectors.reviewers()) == [user, other_user]
