"""Apart from 0007 and 0009: PostgreSQL changes no table with writes that are not settled."""

from django.db import migrations
from django.db.models import Case, OuterRef, Subquery, When


def captions_give(apps, schema_editor):
    caption = apps.get_model("captioning", "Caption").objects.filter(pk=OuterRef("caption")).order_by()
    apps.get_model("photos", "Photo").objects.filter(caption__isnull=False).update(
        model_version=Subquery(caption.values("model_version")),
        confidence=Case(When(text_by="model", then=Subquery(caption.values("confidence")))),
    )


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0007_found_columns"),
    ]

    operations = [
        migrations.RunPython(captions_give, migrations.RunPython.noop),
    ]
