"""Choices of model fields whose values come from the triage rules."""

from django.db import models

from triage.facts import Dash
from triage.ruleset import Rag

HOW_IT_ARRIVED = [("telephone", "Telephone"), ("email", "Email"), ("letter", "Letter"), ("in_person", "In person"),
                  ("online_form", "Online form")]  # fmt: skip
RAGS = [(rag.value, rag.value.capitalize()) for rag in Rag]
DASHES = [(dash.value, dash.value.capitalize()) for dash in Dash]


class Gap(models.TextChoices):
    """What a good contact says, and one does not. The label ends the sentence "Next time, say …"."""

    BIRTH = "birth", "each child's date of birth or age, or when a baby is expected"
    HOME = "home", "where each child lives, at least the postcode"
    NUMBER = "number", "an NHS number or a UPN of each child"
    ADULTS = "adults", "who the parents or carers are"
    PARENTS_PHONE = "parents_phone", "a telephone number of a parent or carer"
    CALL_BACK = "call_back", "how we reach you: your telephone number or email address"
    CHILDS_WORDS = "childs_words", "what the child says, in the child's words"
    WORKING_WELL = "working_well", "what is going well"
    WANTED = "wanted", "what you and the family want to change"
    TRIED = "tried", "what support was tried already"
    INDICATORS = "indicators", "which indicators of the threshold document you see"
    LEVEL = "level", "which level of need you see"
    AGREEMENT = "agreement", "whether the family agrees to a voluntary service, or why nobody asked"
    PARENTS_TOLD = "parents_told", "whether the parents know that you told us"
