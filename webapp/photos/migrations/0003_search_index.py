"""The full-text index over the words of each photo's text and file name."""

from django.db import migrations

from webapp.photos.search_index import index_build, index_drop


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0002_texts"),
        ("captioning", "0003_texts_settled"),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: index_build(schema_editor.connection),
            lambda apps, schema_editor: index_drop(schema_editor.connection),
        ),
    ]
