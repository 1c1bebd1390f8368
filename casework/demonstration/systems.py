"""The partners' systems of the demonstration: one of each agency."""

from localities.models import Agency, AgencyClient

CLIENT_NAME = "Demonstration"


def system_of(agency: Agency) -> AgencyClient:
    """The system of an agency. One that is new has a secret that nobody knows."""
    system: AgencyClient
    system, _ = AgencyClient.objects.get_or_create(
        agency=agency,
        name=CLIENT_NAME,
        defaults={
            "client_type": AgencyClient.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": AgencyClient.GRANT_CLIENT_CREDENTIALS,
        },
    )
    return system
