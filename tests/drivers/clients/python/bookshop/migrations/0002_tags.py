from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index made concurrently allows no transaction around it
    dependencies = [("bookshop", "0001_initial")]
    operations = [
        migrations.AddField("book", "tags", models.JSONField(null=True)),
        AddIndexConcurrently("book", models.Index(fields=["made"], name="book_made")),
    ]
