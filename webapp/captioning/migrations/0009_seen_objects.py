from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0008_fewer_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='caption',
            name='seen_objects',
            field=models.JSONField(default=list, help_text='[{"word", "probability"}] that the image classifier sees, likeliest first'),
        ),
        migrations.AlterField(
            model_name='caption',
            name='words',
            field=models.JSONField(help_text='[{"text", "log_probability"}], with "seen" where the classifier chose the word'),
        ),
    ]
