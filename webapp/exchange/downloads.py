"""An export as the answer to a request."""

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from webapp.exchange.export_order import ExportOrder
from webapp.exchange.services.exports import Export


def export_answer(order: ExportOrder) -> StreamingHttpResponse:
    """It is made while it is sent, and no longer than somebody receives it."""
    response = StreamingHttpResponse(Export(order).parts(), content_type=order.content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=order.file_name) or ""
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
