"""Decisions are captioning's: `gallery.0006` renamed their table. Here only the models change."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("review", "0001_initial"),
        ("captioning", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="CaptionForReview"),
                migrations.DeleteModel(name="Review"),
                migrations.CreateModel(
                    name="CaptionForReview",
                    fields=[],
                    options={
                        "verbose_name": "caption for review",
                        "verbose_name_plural": "captions for review",
                        "proxy": True,
                        "default_permissions": (),
                        "indexes": [],
                        "constraints": [],
                    },
                    bases=("captioning.caption",),
                ),
            ],
        ),
    ]
