"""Where Django looks for a database backend: its own, with our compiler."""

from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.models import Field
from django.db.models.expressions import Col


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "config.postgresql.compiler"

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._of_one_type: dict[tuple[Any, Any], bool] = {}

    def prepare_join_on_clause(
        self, lhs_table: str, lhs_field: "Field[Any, Any]", rhs_table: str, rhs_field: "Field[Any, Any]"
    ) -> tuple[Col, Col]:
        """The two columns of a join. Django works their types out each time, to cast one where they differ."""
        fields = lhs_field, rhs_field
        if fields not in self._of_one_type:
            left, right = (field.db_type(self.connection) for field in fields)
            self._of_one_type[fields] = left == right
        if self._of_one_type[fields]:
            return Col(lhs_table, lhs_field), Col(rhs_table, rhs_field)
        return super().prepare_join_on_clause(lhs_table, lhs_field, rhs_table, rhs_field)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
