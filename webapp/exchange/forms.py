"""What people and programs may ask of an export."""

import re
from typing import Any, Final

from django import forms

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.exchange.export_order import ExportOrder, Format

LARGEST_ID: Final = 2**63 - 1
_ID: Final = re.compile(r"[0-9]{1,18}")


class IdsField(forms.CharField):
    """Numbers with commas between them, as a set. None if the field is empty."""

    def clean(self, value: Any) -> frozenset[int] | None:
        ids = [word for word in re.split(r"[,\s]+", super().clean(value)) if word]
        if wrong := next((word for word in ids if not _ID.fullmatch(word)), None):
            raise forms.ValidationError(f"“{wrong[:40]}” is not the number of a photo. Write them as 1,2,3.")
        return frozenset(map(int, ids)) if ids else None


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        choices=Format.choices,
        error_messages={
            "required": f"Choose one of: {', '.join(Format.values)}.",
            "invalid_choice": f"“%(value)s” is none of: {', '.join(Format.values)}.",
        },
    )
    photos = forms.BooleanField(required=False, help_text="a zip that also holds the original photos")
    reviewed = forms.BooleanField(required=False, help_text="only texts that a person approved or wrote")
    all = forms.BooleanField(required=False, help_text="also rejected texts, and photos without a text")
    q = forms.CharField(required=False, max_length=1000, help_text="only photos that this search finds")
    batch = forms.IntegerField(
        required=False, min_value=1, max_value=LARGEST_ID, help_text="only photos of this batch of yours"
    )
    ids = IdsField(
        required=False, help_text="only photos with these ids, such as 1,2,3; ids that are not yours find nothing"
    )

    def order(self, *, owner: User, batch: Batch | None) -> ExportOrder:
        """Of a valid form. The caller looks for the batch: it knows how to say that there is none."""
        asked = self.cleaned_data
        return ExportOrder(
            format=Format(asked["format"]),
            owner=owner,
            batch=batch,
            query=asked["q"],
            ids=asked["ids"],
            reviewed=asked["reviewed"],
            everything=asked["all"],
            with_photos=asked["photos"],
        )
