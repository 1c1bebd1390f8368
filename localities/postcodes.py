"""Postcodes: their shape, and the prefixes that a catchment can claim."""

import re

# The shape that Royal Mail's guide gives: an outward code, a space, and a digit with two letters.
_SHAPE = re.compile(r"^([A-Z]{1,2}[0-9][0-9A-Z]?)([0-9][A-Z]{2})$")


def normalise(text: str) -> str:
    """
    "hp201ua" as "HP20 1UA".

    :raises ValueError: when it has not the shape of a postcode; the message is a sentence for people.
    """
    match = _SHAPE.match(re.sub(r"\s+", "", text).upper())
    if match is None:
        raise ValueError("is not a postcode; write it as HP20 1UA.")
    return f"{match[1]} {match[2]}"


def prefixes(postcode: str) -> list[str]:
    """
    Every prefix that claims this postcode, the longest first.

    Only at the joints of a postcode: MK1 claims MK1 1AA, and not MK17 9AA, which lies somewhere else.
    """
    outward, inward = postcode.split(" ")
    found = [f"{outward} {inward}", f"{outward} {inward[0]}", outward]
    if outward[-1].isalpha():
        found.append(outward[:-1])
    found.append(re.sub(r"[0-9].*$", "", outward))
    return found
