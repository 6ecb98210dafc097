"""What earlier versions wrote gets the identities that 0003 made room for. Apart from it: PostgreSQL changes no table with
writes that are not settled."""

import hashlib
import secrets
from pathlib import PurePath

from django.db import migrations

AT_ONCE = 1000


def identities_give(apps, schema_editor):
    Batch, BatchItem = apps.get_model("gallery", "Batch"), apps.get_model("gallery", "BatchItem")
    for batch in Batch.objects.all():
        batch.submission = secrets.token_hex(6)
        batch.save(update_fields=["submission"])
    items, last = BatchItem.objects.select_related("photo").order_by("pk"), 0
    while page := list(items.filter(pk__gt=last)[:AT_ONCE]):
        for item in page:
            item.key = hashlib.sha256(item.name.encode()).hexdigest()
            item.sha256 = item.photo.sha256 if item.photo else ""
            item.outcome = "taken" if item.photo else "failed" if item.error_code else "pending"
        BatchItem.objects.bulk_update(page, ["key", "sha256", "outcome"])
        last = page[-1].pk


def paths_relative(apps, schema_editor):
    """The worker has its copy of a bundle in DATA/models/VERSION, wherever DATA was when it was registered."""
    for row in apps.get_model("gallery", "ModelVersion").objects.only("path", "version"):
        folder = PurePath("models", row.version[:12])
        if PurePath(row.path).parts[-2:] == folder.parts:
            row.path = str(folder)
            row.save(update_fields=["path"])


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0003_identities"),
    ]

    operations = [
        migrations.RunPython(identities_give, migrations.RunPython.noop),
        migrations.RunPython(paths_relative, migrations.RunPython.noop),
    ]
