"""The admin lists a batch by outcome at the cost of a page, however many items it has."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0002_item_states'),
        ('photos', '0005_fewer_indexes'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='batchitem',
            index=models.Index(fields=['batch', 'outcome', 'id'], name='item_outcome'),
        ),
    ]
