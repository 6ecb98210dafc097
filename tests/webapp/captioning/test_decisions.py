import pytest

from tests.webapp.rows import caption_make, model_version_make
from webapp.accounts.models import User
from webapp.captioning.errors import DecisionConflict, TextRejected
from webapp.captioning.models import Caption, Decision
from webapp.captioning.services import decisions as services

Verdict = Decision.Verdict


@pytest.fixture
def caption(user: User) -> Caption:
    return caption_make(user, model_version_make(), text="a dog runs")


def test_approve_keeps_the_machines_text(caption: Caption, staff_user: User) -> None:
    decision = services.caption_approve(caption=caption, reviewer=staff_user, seen=None)
    assert (decision.verdict, decision.text, decision.reviewer) == (Verdict.APPROVED, "a dog runs", staff_user)


def test_edit_keeps_the_machines_text_beside_the_persons(caption: Caption, staff_user: User) -> None:
    decision = services.caption_edit(caption=caption, reviewer=staff_user, text="Two dogs run.", seen=None)
    caption.refresh_from_db()
    assert (decision.verdict, decision.text, caption.text) == (Verdict.EDITED, "Two dogs run.", "a dog runs")


def test_edit_puts_the_text_on_one_line(caption: Caption, staff_user: User) -> None:
    text = "  Two\n dogs\x00\trun.\u200b "
    assert services.caption_edit(caption=caption, reviewer=staff_user, text=text, seen=None).text == "Two dogs run."


@pytest.mark.parametrize("text", ["", " \n ", "x" * 1001, "a dog  runs"], ids=["empty", "blank", "long", "the same"])
def test_edit_refuses_what_is_no_other_caption(caption: Caption, staff_user: User, text: str) -> None:
    with pytest.raises(TextRejected):
        services.caption_edit(caption=caption, reviewer=staff_user, text=text, seen=None)
    assert not Decision.objects.exists()


def test_edit_names_length_and_limit_of_a_long_text(caption: Caption, staff_user: User) -> None:
    with pytest.raises(TextRejected, match=r"1001 characters.*1000"):
        services.caption_edit(caption=caption, reviewer=staff_user, text="x" * 1001, seen=None)


def test_reject_has_no_text(caption: Caption, staff_user: User) -> None:
    decision = services.caption_reject(caption=caption, reviewer=staff_user, seen=None)
    assert (decision.verdict, decision.text) == (Verdict.REJECTED, "")


def test_second_decision_is_a_row_of_its_own(caption: Caption, staff_user: User) -> None:
    first = services.caption_approve(caption=caption, reviewer=staff_user, seen=None)
    services.caption_reject(caption=caption, reviewer=staff_user, seen=first.pk)
    assert list(Decision.objects.values_list("verdict", flat=True)) == [Verdict.REJECTED, Verdict.APPROVED]


def test_decision_in_ignorance_of_anothers_is_refused_and_names_it(
    caption: Caption, staff_user: User, other_user: User
) -> None:
    services.caption_reject(caption=caption, reviewer=other_user, seen=None)
    with pytest.raises(DecisionConflict, match="grace rejected"):
        services.caption_approve(caption=caption, reviewer=staff_user, seen=None)
    assert Decision.objects.count() == 1


def test_approve_of_many_leaves_the_decided_alone(caption: Caption, user: User, staff_user: User) -> None:
    other = caption_make(user, caption.model_version)
    services.caption_reject(caption=caption, reviewer=staff_user, seen=None)
    assert services.captions_approve(captions=[caption, other], reviewer=staff_user) == 1
    assert Decision.objects.get(caption=other).verdict == Verdict.APPROVED
