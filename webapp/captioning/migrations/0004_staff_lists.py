from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0003_texts_settled'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='caption',
            name='caption_confidence',
        ),
        migrations.AddIndex(
            model_name='caption',
            index=models.Index(fields=['-review_state', 'confidence', 'id'], name='caption_queue'),
        ),
        migrations.AddIndex(
            model_name='caption',
            index=models.Index(fields=['model_version', '-review_state', 'confidence', 'id'], name='caption_version_queue'),
        ),
        migrations.AddIndex(
            model_name='captionjob',
            index=models.Index(fields=['-queued_at', '-id'], name='job_newest'),
        ),
        migrations.AddIndex(
            model_name='captionjob',
            index=models.Index(fields=['state', '-queued_at', '-id'], name='job_newest_in_state'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(fields=['-created_at', '-id'], name='decision_newest'),
        ),
    ]
