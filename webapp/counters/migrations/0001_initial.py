from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Count',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('counter', models.CharField(max_length=32)),
                ('subject', models.BigIntegerField(help_text='primary key of what the rows belong to, such as their owner')),
                ('label', models.CharField(max_length=120)),
                ('n', models.BigIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['counter', 'subject', 'label', 'n'], name='count_sums')],
            },
        ),
    ]
