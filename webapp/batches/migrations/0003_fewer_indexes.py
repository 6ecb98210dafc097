"""Indexes of one column go where others begin with it: each costs a page at every write."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0002_item_states'),
    ]

    operations = [
        migrations.AlterField(
            model_name='batchitem',
            name='batch',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='batches.batch'),
        ),
    ]
