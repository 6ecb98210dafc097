from django.apps import AppConfig


class CaptioningConfig(AppConfig):
    name = "webapp.captioning"

    def ready(self) -> None:
        from webapp.accounts.services import account_deleting
        from webapp.captioning import counters  # noqa: F401  (registers them)
        from webapp.captioning.services.photo_intake import photos_delete_of

        account_deleting.connect(photos_delete_of)
