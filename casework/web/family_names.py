"""What the families of contacts and cases are called in a list, without hidden addresses."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from casework.families.naming import families_of
from casework.models import Case, Contact, ContactChild
from casework.web.hiding import hidden_where_said, masked_text
from localities.models import User


def family_names(about: Collection[Contact | Case], user: User, now: datetime) -> Mapping[Contact | Case, str]:
    """The names of the children of each contact and case that the user may see."""
    families = families_of(about, user, now)
    said: dict[int, list[str]] = defaultdict(list)
    for child in (child for family in families.values() for child in family):
        said[child.contact_id].append(child.called)
    hidden = hidden_where_said({contact: ", ".join(names) for contact, names in said.items()})

    def name(child: ContactChild) -> str:
        words = hidden.get(child.contact_id)
        return masked_text(words, child.called) if words else child.called

    return {subject: ", ".join(map(name, family)) for subject, family in families.items()}
