"""`manage.py train_captioner`: from captioned photos to a model bundle."""

import shlex
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from training.management.missing_packages import package_missing

DEFAULT_RECIPE = "quick"
STOPPED = 3  # exit status of a run that can go on
FAILED = 4  # and of one that ended with a model that is no good


class Command(BaseCommand):
    help = (
        "Trains a captioner on COCO captions JSON. The run folder keeps everything: cached features, checkpoint, "
        "metrics.csv, curves.png, samples.html, and at the end the bundle. Ctrl-C, TERM and --max-minutes leave a run "
        f"that --resume goes on with, to the same losses (exit status {STOPPED}). A model that is no better than "
        f"captions chosen without a look at the photos is no success (exit status {FAILED}): it cannot be registered."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # --captions of other commands would be an abbreviation of --captions-per-photo here.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        try:
            from training.options.recipes import RECIPES
            from training.options.training_options import options_described
        except ModuleNotFoundError as error:
            raise package_missing("Training", error) from error
        add = parser.add_argument
        add("--train-captions", type=Path, nargs="+", metavar="FILE", help="COCO captions JSON to train on")
        add("--val-captions", type=Path, nargs="+", metavar="FILE", help="COCO captions JSON to choose the best by")
        add(
            "--images",
            type=Path,
            nargs="+",
            metavar="DIR",
            help="the folder of the photos, or one for each captions file: those to train on first",
        )
        add("--output", type=Path, metavar="DIR", help="the run folder to make (default: runs/ and the recipe's name)")
        add(
            "--recipe",
            default=None,
            metavar="NAME",
            help=f"where options start from: {', '.join(RECIPES)} ({DEFAULT_RECIPE})",
        )
        add("--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with its own options")
        add("--start-from", type=Path, metavar="BUNDLE", help="begin with this bundle's weights, words and sizes")
        add("--teacher", type=Path, nargs="+", metavar="BUNDLE", help="learn what these would say, too (distillation)")
        add("--features", type=Path, metavar="DIR", help="cached features, which runs may share (in the run folder)")
        add("--card-notes", type=Path, metavar="FILE", help="Markdown for the model card: licence, use, limits")
        add("--verbose", action="store_true", help="name each photo and each caption that is left out")
        add("--skip-bad", action="store_true", help="leave out photos that are missing, unreadable or captionless")
        add("--max-minutes", type=float, metavar="M", help="stop after that time, in a way that --resume goes on from")
        add("--device", help="cpu, cuda, cuda:1, ... (auto: CUDA where there is one; --resume: the run's own)")
        add("--threads", type=int, metavar="N", help="processor threads of torch (its own choice; --resume: the run's)")
        add("--register", action="store_true", help="register the finished bundle as a model version")
        groups: dict[str, Any] = {}
        for name, kind, meta in options_described():
            default = getattr(RECIPES[DEFAULT_RECIPE], name)
            group = groups.setdefault(
                meta["group"],
                parser.add_argument_group(f"{meta['group']} (in brackets: what --recipe {DEFAULT_RECIPE} takes)"),
            )
            group.add_argument(
                f"--{name.replace('_', '-')}",
                type=kind,
                default=None,
                metavar="|".join(meta["choices"]) or kind.__name__.upper(),
                help=f"{meta['help']} ({default})" if default != "" else meta["help"],
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from captioner.errors import CaptionerError
            from training.errors import FileError, RunFailed, TrainingError
            from training.hardware.memory_allocator import allocator_keep
            from training.options.recipes import recipe
            from training.options.training_options import options_described
            from training.run.early_stopping import RunStopped
            from training.run.start_and_resume import captioner_resume, captioner_train
            from training.run_folder.data_sources import DataSources
            from training.run_folder.folder import RunFolder
        except ModuleNotFoundError as error:
            raise package_missing("Training", error) from error
        given = {name: options[name] for name, _, _ in options_described() if options[name] is not None}
        _arguments_check(options, given)
        allocator_keep()
        folder = RunFolder(options["resume"] or options["output"] or Path("runs", options["recipe"] or DEFAULT_RECIPE))
        runtime = {
            "device": options["device"],
            "threads": options["threads"],
            "minutes": options["max_minutes"],
            "report": self.stdout.write,
            "verbose": options["verbose"],
        }
        try:
            if options["resume"]:
                version = captioner_resume(folder, **runtime)
            else:
                version = captioner_train(
                    folder,
                    options=replace(recipe(options["recipe"] or DEFAULT_RECIPE), **given),
                    sources=DataSources(
                        train_captions=tuple(options["train_captions"]),
                        val_captions=tuple(options["val_captions"]),
                        images=tuple(options["images"]),
                        start_from=options["start_from"],
                        card_notes=options["card_notes"],
                        features=options["features"],
                        teachers=tuple(options["teacher"] or ()),
                        skip_bad=options["skip_bad"],
                    ),
                    **runtime,
                )
        except RunStopped as stopped:
            raise CommandError(
                f"Stopped by {stopped}. Go on with: manage.py train_captioner --resume {shlex.quote(str(folder.path))}",
                returncode=STOPPED,
            ) from stopped
        except RunFailed as failed:
            raise CommandError(str(failed), returncode=FAILED) from failed
        except FileError as error:
            again = f" Then go on with: manage.py train_captioner --resume {shlex.quote(str(folder.path))}"
            raise CommandError(f"{error}{again if folder.begun() else ''}") from error
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder.bundle} holds model {version[:12]}.")
        if options["register"]:
            call_command("register_model", folder.bundle, stdout=self.stdout, stderr=self.stderr)
        else:
            self.stdout.write(f"Next: manage.py register_model {shlex.quote(str(folder.bundle))}")


_NEW_RUN = ("train_captions", "val_captions", "images")
_SIZES = ("embedding", "hidden", "annotation", "attention", "scoring", "size", "resize")
_OF_BUNDLE = ("encoder", "encoder_weights", "decoder", *_SIZES)
_OF_NEW_RUNS = (*_NEW_RUN, "output", "recipe", "start_from", "teacher", "features", "card_notes", "skip_bad")


def _arguments_check(options: dict[str, Any], given: dict[str, Any]) -> None:
    def flags(names: Any) -> str:
        return ", ".join(f"--{name.replace('_', '-')}" for name in names)

    if options["resume"]:
        if others := [name for name in _OF_NEW_RUNS if options[name]] + list(given):
            raise CommandError(f"A run is resumed with its own options: leave out {flags(others)}.")
    elif missing := [name for name in _NEW_RUN if not options[name]]:
        raise CommandError(f"A new run needs {flags(missing)} (or --resume DIR goes on with a former one).")
    elif len(options["images"]) not in (1, sets := len(options["train_captions"]) + len(options["val_captions"])):
        raise CommandError(
            f"--images names {len(options['images'])} folders for {sets} captions files: "
            "give one for all, or one for each."
        )
    elif options["start_from"] and (others := [name for name in _OF_BUNDLE if name in given]):
        raise CommandError(f"--start-from takes its bundle's encoder, decoder and sizes: leave out {flags(others)}.")
    for name in ("threads", "max_minutes"):
        if options[name] is not None and not options[name] > 0:
            raise CommandError(f"{flags([name])} is {options[name]:g}; it must be above 0.")
