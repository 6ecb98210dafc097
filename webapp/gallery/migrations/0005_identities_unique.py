from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0004_identities_given"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=["owner", "submission"], name="submission_once_per_owner"),
        ),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(fields=["batch", "key", "sha256"], name="content_once_per_item"),
        ),
    ]
