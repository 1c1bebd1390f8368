"""Who is found for somebody on a contact: always somebody who shares a key that receiving locks."""

from datetime import date
from itertools import product

from casework.families.likeness.comparing import Commonness, compare
from casework.families.likeness.describing import describe
from casework.families.likeness.keys import asked, stored
from casework.families.likeness.weights import shipped
from casework.families.person_keys import written
from casework.models import Person

# Everything that the comparison looks at: the same, alike, different and not known.
NUMBERS = (None, "9990000018", "9990000026")
BIRTHDAYS = (None, date(2014, 5, 7), date(2014, 7, 5), date(2014, 7, 25), date(2015, 5, 7))
HOMES = (("", ""), ("12 Example Road", "HP20 1UA"), ("3 Other Street", "SL7 1AA"))
NAMES = (("Ada", "Ashworth"), ("Ada", "Ashwort"), ("Ad", "Ashby"), ("Zebedee", "Quill"))


def test_whoever_counts_as_history_shares_a_key_that_is_locked() -> None:
    """A contact locks the keys by which it asks. So two that arrive at once about one person have a lock in common."""
    people = [
        describe(
            written(
                Person(
                    nhs_number=number,
                    date_of_birth=born,
                    address=address,
                    postcode=postcode,
                    first_name=first,
                    last_name=last,
                )
            )
        )
        for number, born, (address, postcode), (first, last) in product(NUMBERS, BIRTHDAYS, HOMES, NAMES)
    ]
    locked, kept = [asked(person) for person in people], [stored(person) for person in people]
    alike = 0
    for one, other in product(range(len(people)), repeat=2):
        assert kept[one] <= locked[one]
        if compare(people[one], people[other], shipped(), Commonness()).score >= shipped().careful:
            alike += 1
            assert locked[one] & kept[other], (people[one], people[other])
    assert alike > len(people)
