from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from webapp.accounts.models import User
from webapp.accounts.services import account_delete
from webapp.admin import DeletesWhole


@admin.register(User)
class UserAdmin(DeletesWhole, DjangoUserAdmin[User]):
    """Accounts. A reviewer's account can only be made inactive, not deleted: the history of decisions names it."""

    list_display = ["username", "email", "photo_count", "is_active", "is_staff", "last_login", "date_joined"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request).annotate(photo_count=Count("photos"))
        return users

    @admin.display(description="photos", ordering="photo_count")
    def photo_count(self, user: Any) -> int:
        return int(user.photo_count)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        account_delete(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)
