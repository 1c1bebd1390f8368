"""Which people match, and that two people who match always share a key that receiving locks."""

from datetime import date
from itertools import product

from casework.families.matching import compare, shared_keys
from casework.models import Person

# Everything that the comparison looks at: the same, alike, different and not known.
NUMBERS = (None, "9990000018", "9990000026")
BIRTHDAYS = (None, date(2014, 5, 7), date(2014, 7, 5), date(2014, 7, 25))
POSTCODES = ("", "HP20 1UA", "SL7 1AA")
NAMES = (("Ada", "Ashworth"), ("Ada", "Ashwort"), ("Ad", "Ashby"), ("Zebedee", "Quill"))
# A new way to match needs people above who match by it.
WAYS = {
    "The same NHS number and date of birth",
    "The same NHS number and date of birth, but another first name",
    "The same NHS number, but another date of birth",
    "The same date of birth and a like name",
    "The same date of birth and postcode",
    "A like name; day and month of birth are swapped",
    "A like name at the same postcode",
}


def test_two_people_who_match_share_a_key_that_is_locked() -> None:
    people = [
        Person(nhs_number=number, date_of_birth=born, postcode=postcode, first_name=first, last_name=last)
        for number, born, postcode, (first, last) in product(NUMBERS, BIRTHDAYS, POSTCODES, NAMES)
    ]
    keys = [set(shared_keys(person)) for person in people]
    ways = set()
    for person, other in product(range(len(people)), repeat=2):
        for match in compare([people[person]], [people[other]], but_not=()):
            ways.add(match.why)
            assert keys[person] & keys[other], match
    assert ways == WAYS
