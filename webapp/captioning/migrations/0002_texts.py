from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('captioning', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='caption',
            name='review_state',
            field=models.CharField(choices=[('undecided', 'Undecided'), ('approved', 'Approved'), ('edited', 'Edited'), ('rejected', 'Rejected')], default='undecided', help_text="its newest decision's verdict", max_length=16),
        ),
    ]
