"""What the web server has refused to read, for the service to answer."""

from typing import NamedTuple

# Where it stands in what WSGI calls the environment of a request.
REFUSED = "front_door.refused"


class Refusal(NamedTuple):
    """A request whose body was not read, or not to its end: the status of the answer, and why in a sentence."""

    status: int
    says: str = ""
