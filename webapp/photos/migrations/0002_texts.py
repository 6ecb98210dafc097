import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0002_texts'),
        ('photos', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='photo',
            name='caption',
            field=models.ForeignKey(blank=True, help_text='the caption that the text is, or was made of', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='captioning.caption'),
        ),
        migrations.AddField(
            model_name='photo',
            name='review_state',
            field=models.CharField(choices=[('undecided', 'Undecided'), ('approved', 'Approved'), ('edited', 'Edited'), ('rejected', 'Rejected')], default='undecided', max_length=16),
        ),
        migrations.AddField(
            model_name='photo',
            name='search_words',
            field=models.TextField(blank=True, default='', editable=False, help_text='see `search_words.py`'),
        ),
        migrations.AddField(
            model_name='photo',
            name='text',
            field=models.TextField(blank=True, default='', help_text='what stands below the photo; empty before any caption'),
        ),
        migrations.AddField(
            model_name='photo',
            name='text_at',
            field=models.DateTimeField(blank=True, help_text='when it was written, or last decided on', null=True),
        ),
        migrations.AddField(
            model_name='photo',
            name='text_by',
            field=models.CharField(blank=True, choices=[('model', 'Model'), ('person', 'Person'), ('import', 'Import')], default='', help_text='who wrote the text; empty: nobody', max_length=16),
        ),
    ]
