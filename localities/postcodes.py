"""The format of postcodes, and the prefixes that a catchment can have."""

import re

# The format in Royal Mail's guide: an outward code, a space, and a digit with two letters.
_FORMAT = re.compile(r"^([A-Z]{1,2}[0-9][0-9A-Z]?)([0-9][A-Z]{2})$")


def normalise(text: str) -> str:
    """
    Writes "hp201ua" as "HP20 1UA".

    :raises ValueError: it does not have the format of a postcode; the message is a sentence for people.
    """
    match = _FORMAT.match(re.sub(r"\s+", "", text).upper())
    if match is None:
        raise ValueError("is not a postcode; write it as HP20 1UA.")
    return f"{match[1]} {match[2]}"


def prefixes(postcode: str) -> list[str]:
    """
    The prefixes of a postcode that a catchment can have, the longest first.

    A prefix ends where a part of the postcode ends: MK1 is a prefix of MK1 1AA and not of MK17 9AA, which is elsewhere.
    """
    outward, inward = postcode.split(" ")
    result = [f"{outward} {inward}", f"{outward} {inward[0]}", outward]
    if outward[-1].isalpha():
        result.append(outward[:-1])
    result.append(re.sub(r"[0-9].*$", "", outward))
    return result
