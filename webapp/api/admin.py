from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from webapp.admin import ReadOnlyAdmin
from webapp.api.models import AuthToken


@admin.register(AuthToken)
class AuthTokenAdmin(ReadOnlyAdmin):
    """API tokens and their owners. Only the digest of a token is stored. Deleting a token revokes it."""

    list_display = ["__str__", "user", "scope", "created", "expiry"]
    list_filter = ["scope", "created"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    fields = ["name", "user", "scope", "created", "expiry"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("api.delete_authtoken")
