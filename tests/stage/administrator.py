"""Somebody at the admin screens."""

from typing import Any

from django.contrib.admin import site
from django.db.models import Model

from localities.models import User
from tests.stage.sessions import sign_in
from tests.stage.web_client import Element, Page, browser


def list_of(model: type[Model] | str) -> str:
    """The address of a list."""
    for known in site._registry:
        if model in (known, known._meta.model_name):
            return f"/admin/{known._meta.app_label}/{known._meta.model_name}/"
    raise LookupError(model)


class Administrator:
    """Somebody who is signed in, at the admin screens."""

    def __init__(self, name: str) -> None:
        self.user = User.objects.get(username=name)
        self.client = browser()
        sign_in(self.client, self.user)

    def open(self, path: str) -> Page:
        return Page(self.client.get(path))

    def rows(self, model: type[Model], query: str = "") -> list[Element]:
        """The rows of a list."""
        page = self.open(list_of(model) + query)
        assert page.status == 200
        return [row for body in page.root.all("tbody") for row in body.all("tr")]

    def references(self, model: type[Model], query: str = "") -> set[str]:
        """The contacts and cases that the rows of a list lead to."""
        return {link.text for row in self.rows(model, query) for link in row.all("a")}

    def send(self, path: str, **fields: Any) -> Page:
        """Open a form, change fields, save it. The page that comes after it."""
        form = self.open(path).form("") | {name.replace("__", "-"): value for name, value in fields.items()}
        return Page(self.client.post(path, form | {"_save": "Save"}, follow=True))

    def add(self, model: type[Model], **fields: Any) -> Page:
        return self.send(f"{list_of(model)}add/", **fields)

    def change(self, row: Model, **fields: Any) -> Page:
        return self.send(f"{list_of(type(row))}{row.pk}/change/", **fields)
