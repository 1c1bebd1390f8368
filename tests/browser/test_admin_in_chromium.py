"""The admin screens in a real Chromium: each list, each form and each record that somebody can open from the index."""

import re
from typing import Any

from django.utils import timezone

from tests.stage.documents import child
from tests.stage.story import Story, person

INDEX = "/admin/"
# Where a page of the admin leads on to: the index to each list, a list to the form for a new record and to the first.
LEADS_TO = '#content a[href^="/admin/"]:not([href$="/add/"]), .object-tools a[href$="/add/"], #result_list th a'


def test_every_admin_screen_meets_wcag_2_2_aa(visit: Any) -> None:
    """Of an administrator, who edits the settings; of an auditor, who sees all; and of a practice lead."""
    # Of a family of its own: the service's others work with theirs.
    ines = child(first_name="Ines", last_name="Quarrington", nhs_number=None, date_of_birth="2012-08-17")
    story = Story(timezone.now())
    story.accepted(story.contact(children=[ines], adults=[]))
    window, seen, found = visit(width=320), set[str](), {}
    for who in ("adele", "ava", "paula"):
        window.sign_in(who)
        to_open = [INDEX, *_links(window, INDEX)]
        for path in to_open:
            if _kind(path) in seen:
                continue
            seen.add(_kind(path))
            links = _links(window, path)
            if faults := window.faults():
                found[path] = faults
            to_open += links
        seen.discard(INDEX)
    assert found == {}
    some = {
        "/admin/localities/catchment/add/", "/admin/localities/team/_/change/", "/admin/localities/postcode/_/change/",
        "/admin/casework/auditevent/",
    }  # fmt: skip
    assert some <= seen


def _links(window: Any, path: str) -> list[str]:
    of_page = "links => links.map(link => new URL(link.href).pathname)"
    return [str(found) for found in window.go(path).eval_on_selector_all(LEADS_TO, of_page)]


def _kind(path: str) -> str:
    """The path without the id of a record, which may be a postcode: one record of each kind is enough."""
    return re.sub("/[0-9A-Z][^/]*", "/_", path)


def test_the_roles_of_a_person_fit_on_a_desktop(visit: Any) -> None:
    """With the column of the menu beside them."""
    window = visit(width=1280)
    window.sign_in("adele")
    page = window.go(f"/admin/localities/user/{person('ben').pk}/change/")
    wide = (
        "table => [table.getBoundingClientRect().right, table.closest('.inline-group').getBoundingClientRect().right]"
    )
    table, place = page.locator(".inline-group table").evaluate(wide)
    assert table <= place
    assert not window.overflows()
