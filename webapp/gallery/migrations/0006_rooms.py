"""The tables move to the rooms photos, captioning, batches and upkeep; reviews become decisions.

All that changes in the database stands in this one migration, so in one transaction: a kill leaves it done or not begun.
The models follow in `photos.0001` and its like, which change nothing in the database.
"""

from django.conf import settings
from django.db import migrations

ROOMS = {
    "photo": "photos",
    "mediaremoval": "photos",
    "modelversion": "captioning",
    "captionjob": "captioning",
    "caption": "captioning",
    "workerheartbeat": "captioning",
    "batch": "batches",
    "batchitem": "batches",
    "installation": "upkeep",
}


def content_types_move(apps, schema_editor):
    """The rights that people were given go by these rows."""
    types = apps.get_model("contenttypes", "ContentType").objects
    for model, room in ROOMS.items():
        types.filter(app_label="gallery", model=model).update(app_label=room)
    permissions = apps.get_model("auth", "Permission").objects
    for verb in ("add", "view"):
        permissions.filter(content_type__app_label="review", codename=f"{verb}_review").update(
            codename=f"{verb}_decision", name=f"Can {verb} decision"
        )
    types.filter(app_label="review", model="review").update(app_label="captioning", model="decision")


def content_types_return(apps, schema_editor):
    types = apps.get_model("contenttypes", "ContentType").objects
    types.filter(app_label="captioning", model="decision").update(app_label="review", model="review")
    permissions = apps.get_model("auth", "Permission").objects
    for verb in ("add", "view"):
        permissions.filter(content_type__app_label="review", codename=f"{verb}_decision").update(
            codename=f"{verb}_review", name=f"Can {verb} review"
        )
    for model, room in ROOMS.items():
        types.filter(app_label=room, model=model).update(app_label="gallery")


def reviews_become_decisions(apps, schema_editor):
    review = apps.get_model("review", "Review")
    schema_editor.execute(
        f"ALTER TABLE {schema_editor.quote_name('review_review')} RENAME COLUMN "
        f"{schema_editor.quote_name('decision')} TO {schema_editor.quote_name('verdict')}"
    )
    schema_editor.alter_db_table(review, "review_review", "captioning_decision")


def decisions_become_reviews(apps, schema_editor):
    review = apps.get_model("review", "Review")
    schema_editor.alter_db_table(review, "captioning_decision", "review_review")
    schema_editor.execute(
        f"ALTER TABLE {schema_editor.quote_name('review_review')} RENAME COLUMN "
        f"{schema_editor.quote_name('verdict')} TO {schema_editor.quote_name('decision')}"
    )


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0005_identities_unique"),
        ("review", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *(
            migrations.AlterModelTable(name=model, table=f"{room}_{model}")
            for model, room in ROOMS.items()
        ),
        migrations.RunPython(reviews_become_decisions, decisions_become_reviews),
        migrations.RunPython(content_types_move, content_types_return),
    ]
