"""Counts and columns that triggers keep, on a real database, whatever writes the rows."""

import random
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Model
from django.db.models.functions import Now

from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.batches.counters import ITEMS
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.counters import CAPTIONS, JOBS
from webapp.captioning.models import Caption, CaptionJob
from webapp.counters.models import Count
from webapp.counters.selectors import counts_by_subject, counts_of
from webapp.counters.services import counts_fold
from webapp.counters.triggers import kept_differing, kept_mend, triggers_drop, triggers_follow
from webapp.photos.models import Photo
from webapp.photos.search_index import index_follow

State = CaptionJob.State


@pytest.fixture
def batch(user: User) -> Batch:
    return Batch.objects.create(owner=user, name="holiday", source=Batch.Source.FOLDER)


def item(batch: Batch, photo: Photo | None = None, outcome: str = "taken") -> BatchItem:
    number = BatchItem.objects.count()
    return BatchItem.objects.create(
        batch=batch, name=f"{number}.jpg", key=f"{number:064}", photo=photo, outcome=outcome
    )


def items_of(batch: Batch) -> dict[tuple[str, ...], int]:
    return {label: count for label, count in counts_of(ITEMS, batch.pk).items() if count}


def test_counts_follow_a_job_from_making_to_deletion(user: User) -> None:
    photo = photo_make(user)
    assert counts_of(JOBS, user.pk) == {("interactive", "queued"): 1}
    CaptionJob.objects.update(state=State.RUNNING)
    assert counts_of(JOBS, user.pk) == {("interactive", "queued"): 1}
    CaptionJob.objects.update(state=State.DONE, lane="bulk")
    assert +counts_of(JOBS, user.pk) == {("bulk", "done"): 1}
    photo.delete()
    assert not +counts_of(JOBS, user.pk)


def test_counts_see_bulk_writes(user: User) -> None:
    photos = [photo_make(user) for _ in range(5)]
    CaptionJob.objects.filter(photo__in=photos[:3]).update(state=State.FAILED)
    CaptionJob.objects.filter(photo=photos[4]).delete()
    assert +counts_of(JOBS, user.pk) == {("interactive", "failed"): 3, ("interactive", "queued"): 1}


def test_counts_of_captions_go_by_state_and_band(user: User, staff_user: User) -> None:
    version = model_version_make()
    caption_make(user, version, confidence=0.2)
    decision_make(caption_make(user, version, confidence=0.95), staff_user, "rejected")
    assert +counts_by_subject(CAPTIONS)[version.pk] == {("undecided", "20-40"): 1, ("rejected", "80-100"): 1}


def test_state_of_an_item_is_that_of_its_photos_job(user: User, batch: Batch) -> None:
    photo = photo_make(user)
    here, empty = item(batch, photo), item(batch, outcome="pending")
    assert items_of(batch) == {("taken", "", "queued"): 1, ("pending", "", ""): 1}
    CaptionJob.objects.update(state=State.FAILED)
    here.refresh_from_db()
    assert (here.job_state, here.problem) == ("failed", "failed")
    empty.photo, empty.outcome = photo, BatchItem.Outcome.SAME
    empty.save(update_fields=["photo", "outcome"])
    assert items_of(batch) == {("taken", "", "failed"): 1, ("same", "", "failed"): 1}
    photo.delete()
    assert items_of(batch) == {("taken", "", ""): 1, ("same", "", ""): 1}


def test_counts_take_back_what_a_transaction_takes_back(user: User, batch: Batch) -> None:
    def fail() -> None:
        with transaction.atomic():
            item(batch, photo_make(user))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (items_of(batch), +counts_of(JOBS, user.pk)) == ({}, {})


def test_counts_hold_after_many_writes_of_any_kind(user: User, other_user: User, batch: Batch) -> None:
    order = random.Random(7)
    version = model_version_make()
    for _ in range(150):
        ids = list(Photo.objects.values_list("pk", flat=True))
        some = order.sample(ids, len(ids) // 3)
        match order.randrange(6):
            case 0 | 1:
                photo = photo_make(order.choice((user, other_user)), state=order.choice(State.values))
                item(batch, order.choice((photo, None)), order.choice(BatchItem.Outcome.values))
            case 2:
                CaptionJob.objects.filter(photo__in=some).update(state=order.choice(State.values), queued_at=Now())
            case 3:
                Photo.objects.filter(pk__in=some[:1]).delete()
            case 4:
                if ids:
                    caption_make(user, version, confidence=order.random(), photo=Photo.objects.get(pk=ids[-1])) if not (
                        Photo.objects.get(pk=ids[-1]).captions.exists()
                    ) else None
            case _:
                for each in BatchItem.objects.order_by("?")[:3]:
                    each.photo_id, each.outcome = next(iter(some), None), order.choice(BatchItem.Outcome.values)
                    each.save(update_fields=["photo", "outcome"])
        if order.random() < 0.2:
            counts_fold()
    assert kept_differing(connection) == []


def test_folding_keeps_each_sum_in_one_row(user: User) -> None:
    for _ in range(5):
        photo_make(user)
    CaptionJob.objects.update(state=State.DONE)
    counts_fold()
    assert list(Count.objects.filter(counter="jobs").values_list("label", "n")) == [("interactive|done", 5)]
    assert kept_differing(connection) == []


def test_wrong_counts_and_states_are_found_and_mended(user: User, batch: Batch) -> None:
    item(batch, photo_make(user))
    Count.objects.filter(counter="jobs").update(n=7)
    BatchItem.objects.update(job_state="done")
    assert set(kept_differing(connection)) == {"jobs", "batch_item_states"}
    kept_mend(connection)
    assert (kept_differing(connection), items_of(batch)) == ([], {("taken", "", "queued"): 1})


@pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere a trigger lives as long as its table")
def test_lost_triggers_are_made_again_after_a_migration_and_what_they_missed_is_counted(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER kept_jobs_insert")
    photo_make(user)
    assert kept_differing(connection) == ["jobs"]
    triggers_follow(using="default")
    photo_make(user)
    assert (counts_of(JOBS, user.pk), kept_differing(connection)) == ({("interactive", "queued"): 2}, [])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="elsewhere no table is made anew")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [BatchItem, CaptionJob, Caption, Photo, Count])
def test_tables_can_be_made_anew_by_a_later_migration(user: User, batch: Batch, model: type[Model]) -> None:
    item(batch, photo_make(user))
    triggers_drop(using="default", plan=[object()])
    field = model._meta.get_field("id")
    connection.disable_constraint_checking()
    with connection.schema_editor(atomic=True) as editor:
        editor._remake_table(model, alter_fields=[(field, field)])  # type: ignore[attr-defined]
    triggers_follow(using="default")
    index_follow(using="default")
    item(batch, photo_make(user))
    assert kept_differing(connection) == []
    assert items_of(batch) == {("taken", "", "queued"): 2}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot disable a trigger")
def test_disabled_triggers_are_found(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE captioning_captionjob DISABLE TRIGGER kept_jobs_insert")
    assert "jobs" in kept_differing(connection)


@pytest.mark.django_db(transaction=True)
def test_counts_are_empty_after_a_flush(user: User, batch: Batch) -> None:
    item(batch, photo_make(user))
    call_command("flush", interactive=False, verbosity=0)
    assert not Count.objects.exclude(n=0).exists()
    photo_make(User.objects.create_user("later"))
    assert kept_differing(connection) == []


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_are_all_counted(user: User, batch: Batch) -> None:
    """Workers that end jobs, uploads that make some, items that get their photo, and folding beside them."""
    photos = [photo_make(user) for _ in range(12)]
    items = [item(batch, outcome="pending") for _ in photos]
    failures: list[BaseException] = []

    def run(target: Any) -> None:
        try:
            target()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    def end() -> None:
        for photo in photos:
            CaptionJob.objects.filter(photo=photo).update(state=State.DONE)

    def give() -> None:
        for each, photo in zip(items, photos, strict=True):
            each.photo, each.outcome = photo, BatchItem.Outcome.TAKEN
            each.save(update_fields=["photo", "outcome"])

    def fold() -> None:
        for _ in photos:
            counts_fold()

    threads = [threading.Thread(target=run, args=[target]) for target in (end, give, fold, fold)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert items_of(batch) == {("taken", "", "done"): 12}
    assert kept_differing(connection) == []
