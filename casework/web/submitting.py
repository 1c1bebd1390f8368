"""Submits forms to their actions. An action's faults are shown at the form's fields, and in the summary above them."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from casework.web.forms import ActionForm
from casework.web.rendering import Form
from errors import InvalidInput

UNPROCESSABLE, CONFLICT = 422, 409

Done = TypeVar("Done")


def submit(
    request: HttpRequest,
    form: ActionForm,
    action: Callable[[dict[str, Any]], Done],
    *,
    says: str | Callable[[Done], str],
    then: str | Callable[[Done], str],
    again: Callable[[], HttpResponse],
) -> HttpResponse:
    """
    Calls an action with a form's data and redirects; or shows the page again, with every fault at its field.

    :param action: gets the form's cleaned data.
    :param says: the message on the next page, or a function that makes it from what the action returned; empty for
        none.
    :param then: the path of the next page, or a function that makes it.
    :param again: shows the page with the form that had faults, whose status is `UNPROCESSABLE`.
    """
    if form.is_valid():
        try:
            done = action(form.cleaned_data)
        except InvalidInput as invalid:
            form.add_faults(invalid)
        else:
            if message := says if isinstance(says, str) else says(done):
                messages.success(request, message)
            return redirect(then if isinstance(then, str) else then(done))
    return again()


def errors_of(*forms: Form) -> list[tuple[str, str]]:
    """
    Every error of these forms with the id of its field, in the order of the fields, for the summary of the page. Nobody
    can be led to a field that is hidden: its id is empty.
    """
    found = []
    for form in forms:
        places = {name: place for place, name in enumerate(form.fields)}
        for name, errors in sorted(form.errors.items(), key=lambda each: places.get(each[0], -1)):
            is_seen = name in form.fields and not form[name].is_hidden
            where = (form[name].id_for_label or form[name].auto_id) if is_seen else ""
            found += [(where, str(says)) for says in errors]
    return found


def status_of(errors: list[tuple[str, str]]) -> int:
    """The HTTP status of a page with this error summary."""
    return UNPROCESSABLE if errors else 200
