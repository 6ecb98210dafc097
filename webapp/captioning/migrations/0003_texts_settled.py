"""Each photo gets its text from the captions and decisions that are there, as `text_ranking.py` ranks them."""

from collections import defaultdict

from django.db import migrations

from webapp.photos.search_words import search_words

AT_ONCE = 500
PHOTO = ["text", "text_by", "text_at", "caption", "review_state", "search_words"]


def texts_settle(apps, schema_editor):
    Photo, Caption = apps.get_model("photos", "Photo"), apps.get_model("captioning", "Caption")
    photos, last = Photo.objects.order_by("pk"), 0
    while page := list(photos.filter(pk__gt=last)[:AT_ONCE]):
        last = page[-1].pk
        decisions = _newest_decisions(apps, page)
        captions = defaultdict(list)
        rows = Caption.objects.filter(photo__in=page).select_related("model_version").order_by("pk")
        for caption in rows.only("photo", "text", "created_at", "model_version__state"):
            captions[caption.photo_id].append(caption)
            if caption.pk in decisions:
                caption.review_state = decisions[caption.pk].verdict
        for photo in page:
            _settle(photo, captions[photo.pk], decisions)
        Photo.objects.bulk_update(page, PHOTO, batch_size=100)
        decided = [caption for each in captions.values() for caption in each if caption.pk in decisions]
        Caption.objects.bulk_update(decided, ["review_state"], batch_size=100)


def _newest_decisions(apps, page):
    """By caption."""
    Decision = apps.get_model("captioning", "Decision")
    return {row.caption_id: row for row in Decision.objects.filter(caption__photo__in=page).order_by("pk")}


def _settle(photo, captions, decisions):
    standing = [caption for caption in captions if caption.review_state in {"approved", "edited"}]
    caption = None
    if standing:
        caption = max(standing, key=lambda each: decisions[each.pk].pk)
    elif captions:
        caption = max(captions, key=lambda each: (each.model_version.state == "active", each.pk))
    if caption is not None:
        decision = decisions.get(caption.pk)
        edited = caption.review_state == "edited"
        photo.text = decision.text if edited else caption.text
        photo.text_by = "person" if edited else "model"
        photo.text_at = decision.created_at if decision else caption.created_at
        photo.caption = caption
        photo.review_state = caption.review_state
    photo.search_words = search_words(photo.text, photo.name)


class Migration(migrations.Migration):

    dependencies = [
        ("captioning", "0002_texts"),
        ("photos", "0002_texts"),
    ]

    operations = [
        migrations.RunPython(texts_settle, migrations.RunPython.noop),
    ]
