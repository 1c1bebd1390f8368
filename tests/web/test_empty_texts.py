"""A text of nothing but characters that nobody sees is empty in every form, as it is in the documents of partners."""

import pytest

from casework.web.decision_form import SignOffForm
from casework.web.forms import PartnerWithdrawForm


@pytest.mark.parametrize("nothing", ["", " \n", "\u200b", "\u00a0\u200d"])
def test_what_nobody_sees_is_no_reason(nothing: str) -> None:
    withdraw = PartnerWithdrawForm({"reason": nothing})
    assert withdraw.is_valid()
    assert withdraw.cleaned_data == {"reason": ""}, "the action says what is missing"
    assert "rationale" in SignOffForm({"answer": "agree", "rationale": nothing}).errors
    assert SignOffForm({"answer": "agree", "rationale": f"{nothing}So."}).is_valid()
