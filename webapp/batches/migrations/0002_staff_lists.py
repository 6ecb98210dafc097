from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='batchitem',
            index=models.Index(fields=['batch', 'outcome', 'id'], name='item_outcome'),
        ),
    ]
