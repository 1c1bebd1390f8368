"""The pages of a step up and a step down: who is offered which, and what each asks."""

from casework.actions import cases, handoffs
from casework.models import Case
from localities.models import Membership, Role
from tests.stage.documents import child
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Page

KNOWS = "She knows that a social worker comes, and is afraid."


def with_social_workers(story: Story) -> Case:
    handoff = story.offered(story.contact(children=[child(indicators=["L4-01"])]), by="maya")
    handoffs.accept(handoff_id=handoff.pk, by=person("pat"), now=story.later())
    now = story.later()
    cases.record_milestone(case_id=handoff.case_id, kind="strategy_discussion_held", at=now, by=person("pat"), now=now)
    return Case.objects.get(pk=handoff.case_id)


def test_a_locality_team_steps_up_and_says_what_the_family_was_told(case: Case, story: Story) -> None:
    ben = SignedIn("ben")
    page = ben.open(case)
    assert f"{path_of(case)}step-up/" in page.html
    assert f"{path_of(case)}step-down/" not in page.html
    page = ben.open(case, "step-up/")
    assert "It waits for nobody's agreement." in page.text
    assert "offer-family_agrees" not in page.names(f"{path_of(case)}step-up/")
    sent = {
        "offer-to_team": story.team("child-protection").pk, "offer-reason": "He was hurt.", "offer-in_danger": "yes",
        "offer-rag": "red",
    }  # fmt: skip
    says = "Enter what the family was told of the step up"
    is_wrong(ben.send(case, "step-up", **sent), {"id_offer-family_told": says})
    is_done(ben.send(case, "step-up", **sent, **{"offer-family_told": KNOWS}), case)
    assert case.handoffs.latest("pk").kind == "step_up"
    text = SignedIn("pat").open(case, "accept/").text
    assert KNOWS in text
    assert "Child in immediate danger" in text
    assert "It was green before this step up." in text
    text = ben.open(case, "handoffs/").text
    assert KNOWS in text
    assert "Rating red, green before; a child was in immediate danger" in text
    text = ben.open(case, "chronology/").text
    assert "Red since then, green before." in text
    assert f"{case} Green, Family help" in text, "it opened green"


def test_a_step_up_asks_how_urgent_it_is_and_selects_nothing(case: Case, story: Story) -> None:
    ben = SignedIn("ben")
    page = ben.open(case, "step-up/")
    ratings = [option for option in page.root.all("input") if option.attributes.get("name") == "offer-rag"]
    assert [option.attributes["value"] for option in ratings] == ["red", "amber"]
    assert not any("checked" in option.attributes for option in ratings)
    assert "The case is green now." in page.text
    assert "If so, call 999 first." in page.text
    red, amber = (f"{name}: answer due by" for name in ("Red", "Amber"))
    assert red in page.text
    assert amber in page.text
    sent = {
        "offer-to_team": story.team("child-protection").pk, "offer-reason": "He was hurt.", "offer-family_told": KNOWS,
        "offer-in_danger": "yes", "offer-rag": "amber",
    }  # fmt: skip
    is_wrong(ben.send(case, "step-up", **sent), {"id_offer-rag": "Select red: a child is in immediate danger"})


def test_an_offer_to_another_team_is_no_step(case: Case, story: Story) -> None:
    page = SignedIn("ben").open(case, "offer/")
    teams = [option.text for option in page.root.all("option")]
    assert "Chiltern team" in teams
    assert "Child protection team" not in teams
    assert "Aylesbury team" not in teams, "it has the case"
    sent = {"offer-to_team": story.team("child-protection").pk, "offer-reason": "He was hurt."}
    answer = SignedIn("ben").post(case, "offer", **sent)
    assert answer.status_code == 422
    assert not case.handoffs.filter(kind="step_up").exists()


def test_a_step_down_asks_anew_whether_the_family_agrees(story: Story) -> None:
    case, pat = with_social_workers(story), SignedIn("pat")
    assert f"{path_of(case)}step-down/" in pat.open(case).html
    sent = {
        "offer-to_team": story.team("aylesbury").pk, "offer-reason": "The plan worked.", "offer-family_told": KNOWS,
        "offer-family_agrees": "no", "offer-rag": "green",
    }  # fmt: skip
    says = "The family must agree to a voluntary service. Ask it first; without its agreement the case stays."
    is_wrong(pat.send(case, "step-down", **sent), {"id_offer-family_agrees": says})
    is_done(pat.send(case, "step-down", **sent | {"offer-family_agrees": "yes"}), case)
    for tab in ("accept/", ""):
        assert KNOWS in SignedIn("ben").open(case if tab else "/teams/aylesbury/", tab).text
    text = SignedIn("ben").open(case, "accept/").text
    assert "The family agrees to this service, asked anew" in text
    assert "not been asked" not in text
    assert "It is green once the step down is accepted." in text
    assert "Rating offered: green, red before" in pat.open(case, "handoffs/").text
    assert "since then" not in pat.open(case, "chronology/").text


def test_a_practitioner_steps_up_also_a_family_that_changed_hands_twice(case: Case, story: Story) -> None:
    first = handoffs.offer(
        case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="They moved.", by=person("bea"),
        now=story.later(),
    )  # fmt: skip
    handoffs.return_to_sender(handoff_id=first.pk, reason="They did not.", by=person("chris"), now=story.later())
    page = SignedIn("bea").open(case)
    assert f"{path_of(case)}step-up/" in page.html
    assert f'href="{path_of(case)}offer/"' not in page.html.split("Actions</h2>")[1]
    assert "offer-lead_reason" in SignedIn("bea").open(case, "step-up/").names(f"{path_of(case)}step-up/")


def test_a_practitioner_cannot_offer_to_lower_a_red_rating(story: Story) -> None:
    case, pat = with_social_workers(story), SignedIn("pat")
    page = pat.open(case, "step-down/")
    assert [f"offer-rag={rag}" in values_of(page) for rag in ("red", "amber", "green", "blue")] == [True] * 3 + [False]
    Membership.objects.filter(user__username="pat").update(role=Role.TEAM_MEMBER)
    page = pat.open(case, "step-down/")
    assert values_of(page) == ["offer-rag=red"]
    assert "Only whoever leads your team, or a service manager, can offer it with a lower rating." in page.text


def values_of(page: Page) -> list[str]:
    found = [each.attributes for each in page.root.all("input")]
    return [f"offer-rag={each['value']}" for each in found if each.get("name") == "offer-rag"]


def test_what_was_typed_into_a_step_is_kept(case: Case) -> None:
    ben, at = SignedIn("ben"), f"{path_of(case)}step-up/"
    fields = ben.open(case, "step-up/").form(at) | {"offer-family_told": KNOWS, "keep": "later"}
    ben.client.post(at, fields)
    assert ben.open(case, "step-up/").form(at)["offer-family_told"] == KNOWS


def test_everything_that_a_step_needs_is_said_at_once(case: Case, story: Story) -> None:
    missing = {
        "id_offer-to_team": "Select a team that takes work",
        "id_offer-reason": "Enter why the case should go to this team",
    }
    rating = {"id_offer-rag": "Select the rating"}
    told = {"id_offer-family_told": "Enter what the family was told of the step up"}
    danger = {"id_offer-in_danger": "Select whether a child is in immediate danger"}
    is_wrong(SignedIn("ben").send(case, "step-up"), missing | danger | rating | told)
    told = {"id_offer-family_told": "Enter what the family was told of the step down"}
    says = "The family must agree to a voluntary service. Ask it first; without its agreement the case stays."
    down = with_social_workers(story)
    is_wrong(SignedIn("pat").send(down, "step-down"), missing | rating | told | {"id_offer-family_agrees": says})
    is_wrong(SignedIn("pat").send(down, "offer"), missing)


def test_a_step_warns_of_the_teams_alone_that_it_can_go_to(case: Case) -> None:
    ben, warns = SignedIn("ben"), "Front door had this case in the last 30 days."
    assert warns in ben.open(case, "offer/").text
    assert warns not in ben.open(case, "step-up/").text


def test_a_team_that_cannot_take_the_step_is_told(case: Case, story: Story) -> None:
    says = "Aylesbury team cannot step a case down. Offer it to another team."
    is_refused(SignedIn("ben").client.get(f"{path_of(case)}step-down/"), 409, says)
    says = "Child protection team cannot step a case up. Offer it to another team."
    is_refused(SignedIn("pat").client.get(f"{path_of(with_social_workers(story))}step-up/"), 409, says)
