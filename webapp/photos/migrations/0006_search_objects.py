"""A column for the words of the objects seen in a photo, and the full-text index over it and `search_words`."""

from django.db import migrations, models

from webapp.photos.search_index import index_build, index_drop


class Migration(migrations.Migration):

    dependencies = [
        ("photos", "0005_fewer_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="search_objects",
            field=models.TextField(
                blank=True,
                default="",
                editable=False,
                help_text="the words of objects in it, which weigh less in a search",
            ),
        ),
        migrations.RunPython(
            lambda apps, schema_editor: index_build(schema_editor.connection),
            lambda apps, schema_editor: index_drop(schema_editor.connection),
        ),
    ]
