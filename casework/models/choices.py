"""Choices of model fields whose values come from the triage rules."""

from triage.facts import Dash
from triage.ruleset import Rag

HOW_IT_ARRIVED = [("telephone", "Telephone"), ("email", "Email"), ("letter", "Letter"), ("in_person", "In person"),
                  ("online_form", "Online form")]  # fmt: skip
RAGS = [(rag.value, rag.value.capitalize()) for rag in Rag]
DASHES = [(dash.value, dash.value.capitalize()) for dash in Dash]
