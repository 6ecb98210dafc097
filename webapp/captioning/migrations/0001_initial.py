"""The tables are there: `gallery.0006` renamed them."""

import django.db.models.deletion
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
                    name='Caption',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('text', models.TextField()),
                        ('confidence', models.FloatField(help_text='exp(mean log-probability of the words and <end>), 0 to 1')),
                        ('words', models.JSONField(help_text='[{"text", "log_probability"}]')),
                        ('alternatives', models.JSONField(default=list, help_text='[{"text", "confidence"}], best first')),
                        ('attention', models.BinaryField(default=bytes, help_text='uint8, one map per word, row by row')),
                        ('attention_shape', models.JSONField(default=list, help_text='[words, height, width]')),
                        ('decode_ms', models.FloatField(help_text='opening and resizing the file')),
                        ('wait_ms', models.FloatField(help_text='from decoded to the start of its micro-batch')),
                        ('model_ms', models.FloatField(help_text='its micro-batch in the model')),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='captions', to='photos.photo')),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                    },
                ),
                migrations.CreateModel(
                    name='Decision',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('verdict', models.CharField(choices=[('approved', 'Approved'), ('edited', 'Edited'), ('rejected', 'Rejected')], max_length=16)),
                        ('text', models.TextField(blank=True, help_text='what the person wrote; empty where the caption was rejected')),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('caption', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='captioning.caption')),
                        ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                        'default_permissions': ('add', 'view'),
                    },
                ),
                migrations.CreateModel(
                    name='ModelVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('version', models.CharField(help_text="sha256 of the bundle's manifest", max_length=64, unique=True)),
                        ('name', models.CharField(max_length=200)),
                        ('path', models.CharField(help_text='folder of the bundle, below the data folder', max_length=1000)),
                        ('state', models.CharField(choices=[('candidate', 'Candidate'), ('verified', 'Verified'), ('rejected', 'Rejected'), ('active', 'Active'), ('retired', 'Retired')], default='candidate', max_length=16)),
                        ('error', models.TextField(blank=True)),
                        ('config', models.JSONField(default=dict)),
                        ('vocabulary', models.JSONField(default=list)),
                        ('metrics', models.JSONField(default=dict)),
                        ('card', models.TextField(blank=True)),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('activated_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['-created_at'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('state',), name='one_active_model_version')],
                    },
                ),
                migrations.AddField(
                    model_name='caption',
                    name='model_version',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='captions', to='captioning.modelversion'),
                ),
                migrations.CreateModel(
                    name='WorkerHeartbeat',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(help_text='host and process', max_length=200, unique=True)),
                        ('device', models.CharField(max_length=64)),
                        ('captions', models.PositiveBigIntegerField(default=0, help_text='written since the worker started')),
                        ('failures', models.PositiveBigIntegerField(default=0)),
                        ('started_at', models.DateTimeField()),
                        ('seen_at', models.DateTimeField()),
                        ('last_caption_at', models.DateTimeField(blank=True, null=True)),
                        ('last_finish_at', models.DateTimeField(blank=True, help_text='caption or failure, within 5 s', null=True)),
                        ('error', models.TextField(blank=True, help_text='why it ended or cannot work, such as a corrupt bundle')),
                        ('model_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='captioning.modelversion')),
                    ],
                    options={
                        'verbose_name': 'worker',
                        'ordering': ['-seen_at'],
                    },
                ),
                migrations.CreateModel(
                    name='CaptionJob',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('lane', models.CharField(choices=[('interactive', 'Interactive'), ('bulk', 'Bulk')], default='interactive', max_length=16)),
                        ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Captioning'), ('done', 'Captioned'), ('failed', 'Failed'), ('quarantined', 'Quarantined'), ('paused', 'Paused'), ('cancelled', 'Cancelled')], default='queued', max_length=16)),
                        ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                        ('token', models.PositiveBigIntegerField(default=0, help_text='fencing token: rises with every lease')),
                        ('lease_count', models.PositiveIntegerField(default=0, help_text='leases since the job was queued, without a result')),
                        ('harm_count', models.PositiveIntegerField(default=0, help_text='times the file crashed, hung or bloated its decoder')),
                        ('worker', models.CharField(blank=True, max_length=200)),
                        ('error_code', models.CharField(blank=True, max_length=32)),
                        ('error_message', models.TextField(blank=True)),
                        ('queued_at', models.DateTimeField()),
                        ('started_at', models.DateTimeField(blank=True, null=True)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('photo', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='job', to='photos.photo')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['state', 'lane', 'queued_at'], name='job_waiting'), models.Index(fields=['state', 'lease_expires_at'], name='job_leases')],
                    },
                ),
                migrations.AddIndex(
                    model_name='caption',
                    index=models.Index(fields=['confidence'], name='caption_confidence'),
                ),
                migrations.AddIndex(
                    model_name='caption',
                    index=models.Index(fields=['created_at'], name='caption_newest'),
                ),
                migrations.AddConstraint(
                    model_name='caption',
                    constraint=models.UniqueConstraint(fields=('photo', 'model_version'), name='caption_once_per_photo_and_version'),
                ),
            ],
        ),
    ]
