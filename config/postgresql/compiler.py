"""
Composes queries as Django does, to the same SQL, and keeps the columns of each table that it has selected from.

A page selects from tables of twenty columns by five joins, again and again. For each column of each query Django makes
an object, makes a key of it by looking through its constructor's signature, quotes its name, and asks three times how
its values are read.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

from django.db.backends.postgresql import compiler
from django.db.backends.postgresql.compiler import (
    SQLAggregateCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)
from django.db.models.expressions import Col, Expression
from django.db.models.options import Options

__all__ = ["SQLAggregateCompiler", "SQLCompiler", "SQLDeleteCompiler", "SQLInsertCompiler", "SQLUpdateCompiler"]


class SQLCompiler(compiler.SQLCompiler):
    def get_default_columns(
        self, select_mask: Any, start_alias: str | None = None, opts: Any = None, from_parent: Any = None
    ) -> list[Expression]:
        """The columns of a table. Those of models that inherit, or of which only some are asked, are composed anew."""
        opts = opts or self.query.get_meta()
        if select_mask or from_parent or opts is None or opts.parents:
            return super().get_default_columns(select_mask, start_alias, opts, from_parent)
        return list(_columns(opts, start_alias or self.query.get_initial_alias()))

    def compile(self, node: Any) -> tuple[str, Any]:
        """As `Col.as_sql` does for a column, which keeps its text. Eight of ten nodes of a query are columns."""
        if type(node) is not Col or not node.alias:
            return super().compile(node)
        table = self.quote_cache.get(node.alias) or self.quote_name_unless_alias(node.alias)
        kept = vars(node).get("text_by_table")
        # A column that is called as something that `extra` selects is not quoted.
        if kept is None or kept[0] != table or self.query.extra_select:
            kept = table, f"{table}.{self.quote_name_unless_alias(str(node.target.column))}"
            if not self.query.extra_select:
                vars(node)["text_by_table"] = kept
        return kept[1], []

    def quote_name_unless_alias(self, name: str) -> str:
        """As Django does. Most names are those of columns, and no alias, and there is nothing to look up in them."""
        if name in self.quote_cache:
            return str(self.quote_cache[name])
        query = self.query
        is_alias = name in query.alias_map or name in query.extra_select or name in query.external_aliases
        if is_alias or not name.isidentifier():
            return str(super().quote_name_unless_alias(name))
        return str(self.quote_cache.setdefault(name, f'"{name}"'))

    def get_converters(self, expressions: Iterable[Any]) -> dict[int, Any]:
        """What reads the values of each expression. Most columns need nothing: each is asked for it once."""
        ask: list[Any] = [
            None if type(each) is Col and self._is_read_as_it_comes(each) else each for each in expressions
        ]
        return dict(super().get_converters(ask))

    def _is_read_as_it_comes(self, column: Col) -> bool:
        known: bool | None = vars(column).get("is_read_as_it_comes")
        if known is None:
            known = not super().get_converters([column])
            vars(column)["is_read_as_it_comes"] = known
        return known

    def _order_by_pairs(self) -> Iterator[tuple[Expression, bool]]:  # type: ignore[override]  # a stub without types
        """
        What orders the rows. Django looks for it among all that is selected, and makes a key of each for that. It can
        only be found under an alias: what stands behind the last of them is left out.
        """
        select = self.select
        if select and not self.query.combinator:
            self.select = select[: max((place for place, (*_, alias) in enumerate(select, 1) if alias), default=0)]
        pairs = list(cast("Any", super()._order_by_pairs()))
        self.select = select
        yield from pairs


# Beside the service's own models, migrations make some for each of their states: those are forgotten.
@lru_cache(maxsize=1000)
def _columns(opts: "Options[Any]", alias: str) -> tuple[Col, ...]:
    """Django never changes a column: it keeps those of the first table of a query, too (`Field.cached_col`)."""
    return tuple(field.get_col(alias) for field in opts.concrete_fields)
