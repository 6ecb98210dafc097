"""How tests look at the staff's pages, and act on their lists."""

from django.test import Client


def page_of(model: str) -> str:
    """Where the admin lists rows of that model."""
    room = {"photo": "photos", "batch": "batches", "batchitem": "batches"}.get(model, "captioning")
    return f"{room}/{model}"


def act(page: Client, model: str, action: str, *rows: object) -> str:
    """The list's page after an action on some rows."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}  # type: ignore[attr-defined]
    return page.post(f"/admin/{page_of(model)}/", data, follow=True).content.decode()


def html_of(page: Client, path: str) -> str:
    response = page.get(f"/admin/{path}")
    assert response.status_code == 200
    return response.content.decode()
