"""Django's PostgreSQL, with connections that are given up in time."""
