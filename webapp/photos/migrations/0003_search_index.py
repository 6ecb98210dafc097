"""The full-text index was made here. Now 0006 makes it, because it has columns that are not there yet."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0002_texts"),
        ("captioning", "0003_texts_settled"),
    ]

    operations = []
