"""System checks of the environment. The message for a wrong variable has its name, its value and the remedy."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from webapp import env
from webapp.databases import same_database


@register()
def environment_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    problems = env.read(os.environ)[1]
    wrong: list[CheckMessage] = [
        Error(f"{problem.name}={problem.value} is not valid.", hint=problem.remedy, id="fovea.E001")
        for problem in problems
    ]
    unread: list[CheckMessage] = [
        Warning(f"{problem.name} is set, but nothing reads it.", hint=problem.remedy, id="fovea.W001")
        for problem in env.unknown(os.environ)
    ]
    return wrong + unread


@register()
def running_site_check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warns if a command runs beside a site but uses another broker or database."""
    site = settings.RUNNING_SITE
    if site is None:
        return []
    broker, database = settings.ENV["FOVEA_BROKER_URL"], settings.ENV["FOVEA_DATABASE_URL"]
    others = []
    if broker and broker != site.broker_url:
        others.append(("FOVEA_BROKER_URL", broker, site.broker_url))
    if database and not same_database(database, site.database_url, data_dir=settings.DATA_DIR):
        others.append(("FOVEA_DATABASE_URL", database, site.database_url))
    return [
        Warning(
            f"{name} names {env.url_shown(given)}, but the site that runs on {settings.DATA_DIR} uses "
            f"{env.url_shown(used) or 'SQLite in that folder'}.",
            hint=f"Unset {name} to use that site, or set FOVEA_DATA_DIR to the folder of the site you mean.",
            id="fovea.W006",
        )
        for name, given, used in others
    ]
