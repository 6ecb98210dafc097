"""Apart from 0005 and 0007: PostgreSQL changes no table with writes that are not settled."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def owners_give(apps, schema_editor):
    photo = apps.get_model("photos", "Photo").objects.filter(pk=OuterRef("photo"))
    apps.get_model("captioning", "CaptionJob").objects.update(
        owner=Subquery(photo.values("owner")), photo_created_at=Subquery(photo.values("created_at"))
    )


class Migration(migrations.Migration):

    dependencies = [
        ("captioning", "0005_job_lists"),
    ]

    operations = [
        migrations.RunPython(owners_give, migrations.RunPython.noop),
    ]
