"""The tables are there: `gallery.0006` renamed them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("gallery", "0006_rooms"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Installation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('identity', models.CharField(help_text='the media folder says the same; empty until they are paired', max_length=32)),
                        ('clock_seen_at', models.DateTimeField(blank=True, help_text='database time of the last sweep', null=True)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_installation')],
                    },
                ),
            ],
        ),
    ]
