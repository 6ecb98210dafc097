"""Reading photos by state, and how many there are."""

import itertools

from tests.webapp.rows import photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.photos import photos_count, photos_counts, photos_of

State = CaptionJob.State


def test_photos_of_any_states_are_those_and_as_many_as_counted(user: User, other_user: User) -> None:
    for state in State.values:
        photo_make(user, state=state)
        photo_make(user, state=state)
        photo_make(other_user, state=state)
    for number in range(1, len(State.values) + 1):
        for states in itertools.combinations(State.values, number):
            photos = list(photos_of(user, states=states))
            assert [photo.job.state in states for photo in photos] == [True] * 2 * number
            assert [photo.pk for photo in photos] == sorted((photo.pk for photo in photos), reverse=True)
            assert photos_count(user, states=states) == 2 * number
    assert photos_count(user) == 14
    assert photos_counts(user) == {"all": 14, "waiting": 6, "captioned": 2, "failed": 6}
