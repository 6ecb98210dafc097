"""System checks of the environment: a wrong variable names itself, its value and the remedy."""

import os
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from webapp import env


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
