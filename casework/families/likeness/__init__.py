"""
How alike two people are, and who is like somebody: a score from 0 to 1, and the reasons in words.

People are read (`names`, `births`, `identifiers`, `homes`, `describing`), then compared field by field and weighed
(`comparing`, `weights`). Whom to compare is found by `keys` (`finding`). All but `finding` is arithmetic, without a
database. docs/matching.md says what the score means.
"""
