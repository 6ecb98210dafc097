"""Submissions, their files, model versions and the site itself get identities that survive a rename or a move."""

import secrets

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


def submission_id_make():
    return secrets.token_hex(6)


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0002_worker_progress"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity", models.CharField(help_text="the media folder says the same; empty until they are paired", max_length=32)),
                ("clock_seen_at", models.DateTimeField(blank=True, help_text="database time of the last sweep", null=True)),
            ],
            options={"constraints": [models.CheckConstraint(condition=Q(pk=1), name="one_installation")]},
        ),
        migrations.CreateModel(
            name="MediaRemoval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("folder", models.CharField(help_text="path below the media folder", max_length=200, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="batch",
            name="submission",
            field=models.CharField(
                default=submission_id_make,
                help_text="the submission's own id, given or made",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="origin",
            field=models.TextField(blank=True, default="", help_text="absolute path of the folder that was submitted"),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="batchitem", name="item_once_per_batch"),
        migrations.AddField(
            model_name="batchitem",
            name="key",
            field=models.CharField(default="", help_text="sha256 of the path's raw bytes", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="batchitem",
            name="sha256",
            field=models.CharField(blank=True, default="", help_text="of the content, once it was read", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="batchitem",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("pending", "Not taken in yet"),
                    ("taken", "Taken"),
                    ("same", "There already"),
                    ("changed", "Changed"),
                    ("failed", "Failed"),
                    ("left_out", "Left out"),
                    ("gone", "Gone"),
                ],
                default="pending",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="batchitem",
            name="name",
            field=models.CharField(help_text="path inside the folder or zip, made safe to show", max_length=1000),
        ),
        migrations.AlterField(
            model_name="batchitem",
            name="photo",
            field=models.ForeignKey(
                blank=True,
                help_text="none where it was not taken, or was deleted since",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="batch_items",
                to="gallery.photo",
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="path",
            field=models.CharField(help_text="folder of the bundle, below the data folder", max_length=1000),
        ),
    ]
