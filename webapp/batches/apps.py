from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "webapp.batches"

    def ready(self) -> None:
        from webapp.accounts.services import account_deleting
        from webapp.batches import counters  # noqa: F401  (registers them)
        from webapp.batches.services.batch_control import zips_drop_of

        account_deleting.connect(zips_drop_of)
