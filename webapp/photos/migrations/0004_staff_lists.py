from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('photos', '0003_search_index'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='photo',
            index=models.Index(fields=['-created_at', '-id'], name='photo_newest_of_all'),
        ),
        migrations.AddIndex(
            model_name='photo',
            index=models.Index(condition=models.Q(('review_state', 'approved'), ('review_state', 'edited'), ('review_state', 'rejected'), _connector='OR'), fields=['review_state', '-created_at', '-id'], name='photo_decided'),
        ),
    ]
