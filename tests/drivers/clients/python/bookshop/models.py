from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100, unique=True)


class Book(models.Model):
    title = models.CharField(max_length=100, db_index=True)
    tags = models.JSONField(null=True)
    made = models.DateTimeField(auto_now_add=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")

    class Meta:
        indexes = [models.Index(fields=["made"], name="book_made")]
