"""Indexes of one column go where others begin with it: each costs a page at every write."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0007_job_lists_indexed'),
        ('photos', '0005_fewer_indexes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='caption',
            name='model_version',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='captions', to='captioning.modelversion'),
        ),
        migrations.AlterField(
            model_name='caption',
            name='photo',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='captions', to='photos.photo'),
        ),
    ]
