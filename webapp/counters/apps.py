from django.apps import AppConfig


class CountersConfig(AppConfig):
    name = "webapp.counters"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from webapp.counters.triggers import triggers_drop, triggers_follow

        pre_migrate.connect(triggers_drop, sender=self)
        post_migrate.connect(triggers_follow, sender=self)
