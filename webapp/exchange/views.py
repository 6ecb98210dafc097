from http import HTTPStatus
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from webapp.accounts.request_user import user_of
from webapp.batches.models import Batch
from webapp.batches.selectors import batches_of
from webapp.captioning.selectors.photos import photos_counts
from webapp.exchange.downloads import export_answer
from webapp.exchange.export_order import Format
from webapp.exchange.forms import ExportForm

EXPLAINED: Final = {  # for people who choose one
    Format.CSV: "For a spreadsheet: one row per photo. Excel, Numbers and LibreOffice open it.",
    Format.JSONL: "For training: metadata.jsonl as Hugging Face’s imagefolder reads it.",
    Format.COCO: "For training and evaluation: one JSON file in the form of the COCO captions.",
    Format.TXT: "A zip with a text file for each photo, as trainers of image models want: beach.txt for beach.jpg.",
    Format.XMP: "A zip with an .xmp file for each photo. Photo managers such as digiKam and Immich show it.",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest) -> HttpResponse:
    """The form. Which photos it is about may be given with it: `q`, `batch`, `ids`."""
    given = request.POST if request.method == "POST" else request.GET
    form = ExportForm({"format": Format.CSV, **given.dict()})
    form.is_valid()
    return _page(request, form)


@login_required
@require_http_methods(["GET", "POST"])  # no HEAD: the answer's length is known only once it is made
def export_download(request: HttpRequest) -> HttpResponseBase:
    """The file. By POST too, because the ids of thousands of photos are too long for an address."""
    form = ExportForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.BAD_REQUEST)
    return export_answer(form.order(owner=user_of(request), batch=_batch(request, form)))


def _page(request: HttpRequest, form: ExportForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
    asked = form.cleaned_data
    context = {
        "form": form,
        "formats": [(form_, EXPLAINED[form_]) for form_ in Format],
        "chosen": asked.get("format", Format.CSV),
        "batch": _batch(request, form),
        "ids": asked.get("ids"),
        "counts": photos_counts(user_of(request)),
    }
    return render(request, "exchange/exports.html", context, status=status)


def _batch(request: HttpRequest, form: ExportForm) -> Batch | None:
    batch_id = form.cleaned_data.get("batch")
    return None if batch_id is None else get_object_or_404(batches_of(user_of(request)), pk=batch_id)
