"""The tests, in folders like the rooms of the house. What they share is in `stage`."""

import pytest

# Else an assertion that fails there says nothing of what it compared.
pytest.register_assert_rewrite("tests.stage")
