"""`manage.py register_model DIR [--name NAME] [--activate]`: make a bundle a model version."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from captioner.errors import BundleError
from webapp import jobs
from webapp.captioning.services.model_versions import model_version_activate
from webapp.errors import ActionRefused


class Command(BaseCommand):
    help = (
        "Copies a bundle into the data folder and registers it as a candidate, which a worker then verifies. "
        "With --activate it is verified here, and workers swap to it at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path, help="folder of the bundle")
        parser.add_argument("--name", default="", help="for people (default: the folder's name)")
        parser.add_argument("--activate", action="store_true", help="verify it here (needs torch), then activate it")

    def handle(self, *args: Any, bundle: Path, name: str, activate: bool, **options: Any) -> None:
        from worker.model_registration import NotCopied, bundle_register

        try:
            registered = bundle_register(bundle.resolve(), name=name)
        except (BundleError, NotCopied) as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(
                f"{bundle} could not be registered, as the database does not take it ({error}). See that it runs and "
                f"that its tables are made (python manage.py migrate); then: python manage.py register_model {bundle}"
            ) from error
        self.stdout.write(f"{registered} is registered ({registered.get_state_display().lower()}).")
        if activate:
            self._activate(registered.pk)
        elif registered.state == registered.State.CANDIDATE:
            published = jobs.model_verify_enqueue(registered.pk)
            back = "a site runs here" if jobs.broker_missing() else "the broker is back"
            wait = "A worker verifies it" if published else f"A worker verifies it once {back}"
            self.stdout.write(f"{wait}; then activate it in the admin.")

    def _activate(self, model_version_id: int) -> None:
        from worker.model_verification import model_verify

        try:
            model_verify(model_version_id=model_version_id)
            active = model_version_activate(model_version_id=model_version_id)
        except ActionRefused as error:
            raise CommandError(error.message) from error
        except ImportError as error:
            raise CommandError(
                f"{error}. Install worker/requirements.txt, or leave --activate out: a worker verifies it then."
            ) from error
        self.stdout.write(f"{active} is active; workers swap to it once they have loaded it.")
