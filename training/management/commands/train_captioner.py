"""`manage.py train_captioner`: from captioned photos to a model bundle."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from captioner.config import DECODERS, ENCODERS, RESIZE_POLICIES, DecoderConfig, DecodingDefaults

PRECISIONS = ("float32", "bfloat16")


class Command(BaseCommand):
    help = (
        "Trains a captioner on COCO captions JSON and writes a model bundle. The encoder stays frozen: its features "
        "are computed once and kept in the work folder. Stopped, it goes on from the last whole epoch with --resume."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--images", type=Path, required=True, metavar="DIR", help="the folder of the photos")
        add("--train-captions", type=Path, required=True, metavar="FILE", help="COCO captions JSON to train on")
        add("--val-captions", type=Path, required=True, metavar="FILE", help="COCO captions JSON to choose epochs by")
        add("--output", type=Path, required=True, metavar="DIR", help="the bundle to write; must not exist")
        add("--work", type=Path, metavar="DIR", help="features and checkpoint (default: runs/ and the output's name)")
        add("--resume", action="store_true", help="go on from the checkpoint in the work folder")
        add("--card-notes", type=Path, metavar="FILE", help="Markdown for the model card: licence, use, limits")

        model = parser.add_argument_group("model").add_argument
        model("--encoder", choices=ENCODERS, default="efficientnet_lite2")
        model(
            "--encoder-weights", type=Path, metavar="FILE", help="a .pth of the encoder's weights instead of its usual"
        )
        model("--decoder", choices=DECODERS, default="show_attend_and_tell")
        model("--size", type=int, default=224, metavar="PIXELS", help="side of the square that the encoder sees (224)")
        model("--resize", choices=RESIZE_POLICIES, default="squash", help="how a photo becomes a square (squash)")
        model("--threshold", type=int, default=5, metavar="N", help="a word must occur N times to be learnt (5)")
        sizes = DecoderConfig()
        for name in ("embedding", "hidden", "annotation", "attention"):
            default = getattr(sizes, name)
            model(f"--{name}", type=int, default=default, metavar="N", help=f"width of that layer ({default})")
        model("--dropout", type=float, default=sizes.dropout, metavar="P", help=f"in 0..1 ({sizes.dropout})")
        decoding = DecodingDefaults()
        model("--beam", type=int, default=decoding.beam, metavar="N", help=f"default width of search ({decoding.beam})")
        model(
            "--length-penalty",
            type=float,
            default=decoding.length_penalty,
            metavar="A",
            help=f"captions are ranked by log-probability / length ** A ({decoding.length_penalty})",
        )

        loop = parser.add_argument_group("training").add_argument
        loop("--epochs", type=int, default=15, metavar="N", help="times through the photos (15)")
        loop("--batch-photos", type=int, default=32, metavar="N", help="photos, with all their captions, a step (32)")
        loop("--learning-rate", type=float, default=1e-3, metavar="R", help="at its height (0.001)")
        loop("--penalty", type=float, default=0.02, metavar="W", help="weight of even attention (0.02)")
        loop("--no-mirror", action="store_true", help="do not train on mirror images as well")
        loop("--precision", choices=PRECISIONS, default="float32", help="bfloat16: faster on processors that know it")
        loop("--seed", type=int, default=1, metavar="N")
        loop("--device", default="cpu", help="cpu, cuda, cuda:1, ... (cpu)")
        loop("--threads", type=int, metavar="N", help="processor threads of torch (default: its own choice)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            import torch

            from captioner.errors import CaptionerError
            from training.errors import TrainingError
            from training.learning.loop import LoopOptions
            from training.learning.session import SessionOptions, captioner_train
        except ModuleNotFoundError as error:
            raise CommandError(
                f"Training needs the Python package {error.name!r}, which is not installed here. "
                "Run: pip install -r training/requirements.txt -c constraints.txt"
            ) from error
        for name in ("epochs", "batch_photos", "threshold", "threads"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name.replace('_', '-')} is {options[name]}; give 1 or more.")
        if options["threads"] is not None:
            torch.set_num_threads(options["threads"])
        output = options["output"]
        try:
            version = captioner_train(
                SessionOptions(
                    images=options["images"],
                    train_captions=options["train_captions"],
                    val_captions=options["val_captions"],
                    output=output,
                    work=options["work"] or Path("runs", output.name),
                    encoder=options["encoder"],
                    encoder_weights=options["encoder_weights"],
                    size=options["size"],
                    resize=options["resize"],
                    mirror=not options["no_mirror"],
                    threshold=options["threshold"],
                    decoder=DecoderConfig(
                        name=options["decoder"],
                        embedding=options["embedding"],
                        hidden=options["hidden"],
                        annotation=options["annotation"],
                        attention=options["attention"],
                        dropout=options["dropout"],
                    ),
                    decoding=DecodingDefaults(beam=options["beam"], length_penalty=options["length_penalty"]),
                    loop=LoopOptions(
                        epochs=options["epochs"],
                        batch_photos=options["batch_photos"],
                        learning_rate=options["learning_rate"],
                        penalty=options["penalty"],
                        precision=options["precision"],
                        seed=options["seed"],
                    ),
                    device=options["device"],
                    card_notes=options["card_notes"],
                    resume=options["resume"],
                ),
                report=self.stdout.write,
            )
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{output} holds model {version[:12]}. Next: manage.py register_model {output}")
