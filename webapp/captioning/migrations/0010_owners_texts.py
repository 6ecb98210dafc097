"""A decision can be withdrawn, and a text edited to nothing. No row changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0009_seen_objects'),
    ]

    operations = [
        migrations.AlterField(
            model_name='decision',
            name='text',
            field=models.TextField(blank=True, help_text='the text that the person approved or wrote; edited to nothing, the photo has no text'),
        ),
        migrations.AlterField(
            model_name='decision',
            name='verdict',
            field=models.CharField(choices=[('approved', 'Approved'), ('edited', 'Edited'), ('rejected', 'Rejected'), ('withdrawn', 'Put back')], max_length=16),
        ),
    ]
