"""What an unborn child is called. The name of the baby is read since (0038), so that nothing is filled here."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("casework", "0034_keys_of_people_on_record")]

    operations = [
        migrations.AlterField(
            model_name="person",
            name="current_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="With the record that stands for the person: the name that staff recorded as today's, or "
                "that another record has, where this one has no first name.",
                max_length=300,
            ),
        ),
    ]
