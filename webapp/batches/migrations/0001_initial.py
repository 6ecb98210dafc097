"""The tables are there: `gallery.0006` renamed them."""

import django.db.models.deletion
import webapp.batches.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("gallery", "0006_rooms"),
        ('photos', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Batch',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200)),
                        ('source', models.CharField(choices=[('folder', 'Folder'), ('zip', 'Zip file'), ('api', 'API')], max_length=16)),
                        ('submission', models.CharField(default=webapp.batches.models.submission_id_make, help_text="the submission's own id, given or made", max_length=100)),
                        ('origin', models.TextField(blank=True, help_text='absolute path of the folder that was submitted')),
                        ('state', models.CharField(choices=[('unpacking', 'Unpacking'), ('running', 'Running'), ('paused', 'Paused'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='running', max_length=16)),
                        ('archive', models.CharField(blank=True, help_text='the zip as it came, below the media folder', max_length=200)),
                        ('error', models.TextField(blank=True)),
                        ('unpack_lease_expires_at', models.DateTimeField(blank=True, null=True)),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='batches', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name_plural': 'batches',
                        'ordering': ['-created_at', '-id'],
                    },
                ),
                migrations.CreateModel(
                    name='BatchItem',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(help_text='path inside the folder or zip, made safe to show', max_length=1000)),
                        ('key', models.CharField(help_text="sha256 of the path's raw bytes", max_length=64)),
                        ('sha256', models.CharField(blank=True, help_text='of the content, once it was read', max_length=64)),
                        ('outcome', models.CharField(choices=[('pending', 'Not taken in yet'), ('taken', 'Taken'), ('same', 'There already'), ('changed', 'Changed'), ('failed', 'Failed'), ('left_out', 'Left out'), ('gone', 'Gone')], default='pending', max_length=16)),
                        ('error_code', models.CharField(blank=True, max_length=32)),
                        ('error_message', models.TextField(blank=True)),
                        ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='batches.batch')),
                        ('photo', models.ForeignKey(blank=True, help_text='none where it was not taken, or was deleted since', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='batch_items', to='photos.photo')),
                    ],
                    options={
                        'ordering': ['id'],
                    },
                ),
                migrations.AddConstraint(
                    model_name='batch',
                    constraint=models.UniqueConstraint(fields=('owner', 'submission'), name='submission_once_per_owner'),
                ),
                migrations.AddConstraint(
                    model_name='batchitem',
                    constraint=models.UniqueConstraint(fields=('batch', 'key', 'sha256'), name='content_once_per_item'),
                ),
            ],
        ),
    ]
