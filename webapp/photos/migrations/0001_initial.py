"""The tables are there: `gallery.0006` renamed them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("gallery", "0006_rooms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='MediaRemoval',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('folder', models.CharField(help_text='path below the media folder', max_length=200, unique=True)),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='Photo',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('sha256', models.CharField(max_length=64)),
                        ('name', models.CharField(help_text="the file's name as it came, made safe to show", max_length=255)),
                        ('original', models.CharField(help_text='path below the media folder', max_length=200)),
                        ('thumbnail', models.CharField(help_text='oriented, free of metadata', max_length=200)),
                        ('preview', models.CharField(help_text='oriented, free of metadata, larger', max_length=200)),
                        ('format', models.CharField(max_length=16)),
                        ('width', models.PositiveIntegerField(help_text='after orientation')),
                        ('height', models.PositiveIntegerField(help_text='after orientation')),
                        ('size_bytes', models.PositiveIntegerField()),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='photos', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                        'indexes': [models.Index(fields=['owner', '-created_at', '-id'], name='photo_newest_first')],
                        'constraints': [models.UniqueConstraint(fields=('owner', 'sha256'), name='photo_once_per_owner')],
                    },
                ),
            ],
        ),
    ]
