from django.db import models


class Count(models.Model):
    """How many rows of a counter have one subject and one label: the sum of `n`. Triggers alone write here.

    On SQLite there is one row for each sum. On PostgreSQL each transaction adds rows of its own, so that none waits for
    another; `counts_fold` puts them together.
    """

    counter = models.CharField(max_length=32)
    subject = models.BigIntegerField(help_text="primary key of what the rows belong to, such as their owner")
    label = models.CharField(max_length=120)
    n = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["counter", "subject", "label", "n"], name="count_sums")]

    def __str__(self) -> str:
        return f"{self.counter} {self.subject} {self.label}: {self.n}"
