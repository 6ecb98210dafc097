"""Django's PostgreSQL backend, with a time-out for checking kept connections."""
