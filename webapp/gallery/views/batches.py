from django.http import HttpRequest, HttpResponse


def batches(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    return HttpResponse()


def batch_change(request: HttpRequest, batch_id: int, action: str) -> HttpResponse:
    return HttpResponse()
