from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "webapp.photos"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from webapp.photos import system_checks as checks  # noqa: F401  (registers the system checks)
        from webapp.photos.search_index import index_follow
        from webapp.photos.upload_parser import parser_patch

        parser_patch()
        post_migrate.connect(index_follow, sender=self)
