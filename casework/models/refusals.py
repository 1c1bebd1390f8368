"""
What the database itself refuses, as triggers that models declare beside their constraints.

The name of a refusal is a sentence; it comes back as the constraint's name in the error. Tables are named with their
schema: a temporary table of the same name must not stand in for one.
"""

import pgtrigger

# For a check constraint: something stands there.
NOT_BLANK = r"\S"
RAISE = "RAISE EXCEPTION '{says}' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}';"


def refuse(name: str, says: str) -> str:
    """The PL/pgSQL statement that refuses: `says` is a sentence for people."""
    return RAISE.format(name=name, says=says.replace("'", "''").replace("%", "%%"))


def refuse_if(condition: str, *, on: pgtrigger.Operation, name: str, says: str) -> pgtrigger.Trigger:
    """
    Refuse to write a row where `condition` holds.

    :param condition: SQL over NEW and OLD.
    :param on: `pgtrigger.Insert`, `Update` or `Delete`, or several joined by `|`.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=on,
        func=f"IF {condition} THEN {refuse(name, says)} END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
    )


def lacks_sign_off(decision: str) -> str:
    """SQL: the decision with this id needs a second person, and none has agreed."""
    return f"""EXISTS (
        SELECT FROM public.casework_decision
        WHERE id = {decision} AND needs_sign_off AND NOT EXISTS (
            SELECT FROM public.casework_signoff WHERE decision_id = {decision} AND agreed
        )
    )"""  # noqa: S608  # the column's name, from our own models


def never_deleted(name: str, says: str) -> list[pgtrigger.Trigger]:
    """Rows of this table may change, and are never taken away: no delete, no truncate."""
    return [
        pgtrigger.Trigger(name=name, when=pgtrigger.Before, operation=pgtrigger.Delete, func=refuse(name, says)),
        never_emptied(f"{name}_all", says),
    ]


def append_only(name: str, says: str) -> list[pgtrigger.Trigger]:
    """Rows of this table are written once: no update, no delete, no truncate."""
    return [
        pgtrigger.Trigger(
            name=name, when=pgtrigger.Before, operation=pgtrigger.Update | pgtrigger.Delete, func=refuse(name, says)
        ),
        never_emptied(f"{name}_all", says),
    ]


def never_emptied(name: str, says: str) -> pgtrigger.Trigger:
    """This table cannot be truncated."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=refuse(name, says),
    )
