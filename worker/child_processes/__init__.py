"""What runs in sandboxed child processes. Its modules import no Django, no Celery and, by themselves, no torch."""
