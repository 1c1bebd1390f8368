"""
Refusals: triggers by which the database rejects a change. Models declare them beside their constraints.

A refusal's name is a sentence, and the database error carries it as the constraint's name. The SQL names each table
with its schema: a temporary table of the same name must not take its place.
"""

import pgtrigger

# For the `regex` lookup in a check constraint: the text is not blank.
NOT_BLANK = r"\S"
RAISE = "RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}';"


def refuse(name: str, message: str) -> str:
    """The PL/pgSQL statement that raises the error. `message` is a sentence for people."""
    return RAISE.format(name=name, message=message.replace("'", "''").replace("%", "%%"))


def refuse_if(
    condition: str, *, on: pgtrigger.Operation, name: str, message: str, where: str = ""
) -> pgtrigger.Trigger:
    """
    Makes a trigger that refuses to write a row if `condition` is true.

    :param condition: SQL over NEW and OLD.
    :param where: SQL over the columns of NEW alone. Where it is false nothing else is asked, at a tenth of the cost.
    :param on: `pgtrigger.Insert`, `Update` or `Delete`, or several joined by `|`.
    :param message: a sentence for people.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=on,
        condition=pgtrigger.Condition(where) if where else None,
        func=f"IF {condition} THEN {refuse(name, message)} END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
    )


def refuse_any(rows: str, *, name: str, message: str) -> pgtrigger.Trigger:
    """
    Makes a trigger that refuses rows that are inserted, asking once for all that one statement inserts.

    :param rows: a query for those that are refused; `added` are the rows that are inserted.
    :param message: a sentence for people.
    """
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]  # pgtrigger's has no types
        func=f"IF EXISTS ({rows}) THEN {refuse(name, message)} END IF; RETURN NULL;",
    )


def lacks_sign_off(decision: str) -> str:
    """SQL that is true if the decision with this id needs a sign-off and has none."""
    return f"""EXISTS (
        SELECT FROM public.casework_decision
        WHERE id = {decision} AND needs_sign_off AND NOT EXISTS (
            SELECT FROM public.casework_signoff WHERE decision_id = {decision} AND agreed
        )
    )"""  # noqa: S608  # the column's name, from our own models


def never_deleted(name: str, message: str) -> list[pgtrigger.Trigger]:
    """Makes triggers that refuse to delete rows or to truncate the table. Rows may change."""
    return [
        pgtrigger.Trigger(name=name, when=pgtrigger.Before, operation=pgtrigger.Delete, func=refuse(name, message)),
        never_emptied(f"{name}_all", message),
    ]


def append_only(name: str, message: str) -> list[pgtrigger.Trigger]:
    """Makes triggers that refuse to update or delete rows or to truncate the table."""
    return [
        pgtrigger.Trigger(
            name=name, when=pgtrigger.Before, operation=pgtrigger.Update | pgtrigger.Delete, func=refuse(name, message)
        ),
        never_emptied(f"{name}_all", message),
    ]


def never_emptied(name: str, message: str) -> pgtrigger.Trigger:
    """Makes a trigger that refuses to truncate the table."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=refuse(name, message),
    )
