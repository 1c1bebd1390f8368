"""A relationship as it is seen from its other side: whoever has a mother is her child."""

import re

# What somebody is to a person: what that person is to them, by the person's sex (F, M, other).
Words = tuple[str, str, str]
CHILD: Words = ("child", "child", "child")
PARENT: Words = ("mother", "father", "parent")
SIBLING: Words = ("sister", "brother", "brother or sister")
GRANDPARENT: Words = ("grandmother", "grandfather", "grandparent")
OTHER_SIDES: dict[str, Words] = {
    **dict.fromkeys(("mother", "mum", "mummy", "mam", "father", "dad", "daddy", "parent"), CHILD),
    **dict.fromkeys(("child", "son", "daughter", "baby"), PARENT),
    **dict.fromkeys(("brother", "sister", "sibling", "brother or sister"), SIBLING),
    **dict.fromkeys(
        ("grandmother", "grandfather", "grandparent", "grandma", "grandpa", "granddad", "grandad", "gran", "granny",
         "nan", "nana", "nanny"),
        ("grandchild", "grandchild", "grandchild"),
    ),
    **dict.fromkeys(("grandchild", "grandson", "granddaughter"), GRANDPARENT),
    **dict.fromkeys(("aunt", "auntie", "uncle"), ("niece", "nephew", "niece or nephew")),
    **dict.fromkeys(("niece", "nephew", "niece or nephew"), ("aunt", "uncle", "aunt or uncle")),
    **dict.fromkeys(("husband", "wife", "husband or wife", "spouse"), ("wife", "husband", "husband or wife")),
    **dict.fromkeys(("carer", "guardian", "special guardian"), ("child in their care",) * 3),
    **{same: (same,) * 3 for same in ("cousin", "twin", "partner", "ex-partner", "friend", "neighbour")},
}  # fmt: skip
# They stand before a word, and go on to the other side with it: a stepmother has a stepchild.
PREFIXES = ("step", "half-", "foster ", "great-", "adoptive ", "birth ")
DROPPED = frozenset({"birth ", "adoptive "})


def other_side(relationship: str, sex: str) -> str:
    """
    What a person is to somebody who is this to them: "child" for "Mother"; empty if the words are not known.

    :param sex: the person's, M, F or U.
    """
    words = " ".join(re.sub(r"[^\w-]+", " ", relationship.casefold()).split())
    if found := OTHER_SIDES.get(words):
        return found["FM".index(sex) if sex in {"F", "M"} else 2]
    for prefix in PREFIXES:
        plain = prefix.strip(" -")
        if words.startswith(plain) and (rest := words[len(plain) :].strip(" -")) and (of := other_side(rest, sex)):
            return of if prefix in DROPPED else " or ".join(f"{prefix}{each}" for each in of.split(" or "))
    return ""
