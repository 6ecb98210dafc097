import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client


@pytest.fixture
def schema(tmp_path: Path) -> Any:
    call_command("spectacular", file=str(tmp_path / "schema.yml"))
    return yaml.safe_load((tmp_path / "schema.yml").read_text(encoding="utf-8"))


def test_schema_is_valid_without_a_warning() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=io.StringIO())


def test_schema_is_served_to_anybody(client: Client) -> None:
    response = client.get("/api/schema/")
    assert response.status_code == 200
    assert b"/api/v1/photos/{photo_id}/" in response.content


def test_schema_names_every_operation(schema: Any) -> None:
    operations = {operation["operationId"] for path in schema["paths"].values() for operation in path.values()}
    assert {
        "login", "logout", "photos_upload", "photos_list", "photos_detail", "photos_edit", "photos_delete",
        "photos_retry", "batches_upload", "batches_list", "batches_detail", "batches_items", "batches_action", "export",
    } == operations  # fmt: skip


def test_schema_asks_for_a_token_but_at_the_login(schema: Any) -> None:
    assert schema["components"]["securitySchemes"]["token"]["name"] == "Authorization"
    assert schema["paths"]["/api/v1/photos/"]["post"]["security"] == [{"token": []}]
    assert schema["paths"]["/api/v1/auth/login/"]["post"]["security"] == [{}]


def test_schema_tells_the_objects_and_that_a_word_may_lack_seen(schema: Any) -> None:
    schemas = schema["components"]["schemas"]
    objects = schemas["Photo"]["properties"]["objects"]
    assert objects["items"] == {"$ref": "#/components/schemas/SeenObject"}
    assert "0.5 or more" in objects["description"]
    assert sorted(schemas["SeenObject"]["properties"]) == ["probability", "word"]
    assert sorted(schemas["Word"]["required"]) == ["log_probability", "text"]
