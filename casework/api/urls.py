"""The URLs of the partner API. Each may end with a slash: a system that writes one is answered all the same."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from casework.api.about import ReferenceDataView
from casework.api.batches import BatchesView, BatchView
from casework.api.events import EventsView
from casework.api.partner_checks import ChecksView, CheckView, RepliesView
from casework.api.quality import AgencyQualityView
from casework.api.sender_requests import ChaseView, EscalateView, WithdrawView
from casework.api.views import ContactsView, ContactView, FilesView, InformationView, ThresholdCheckView
from casework.files.uploads import takes_files

addresses: list[URLPattern] = [
    path("contacts", ContactsView.as_view(), name="api-contacts"),
    path("contacts/<reference:reference>", ContactView.as_view(), name="api-contact"),
    path("contacts/<reference:reference>/information", InformationView.as_view(), name="api-information"),
    path("contacts/<reference:reference>/files", takes_files(FilesView.as_view()), name="api-files"),
    path("contacts/<reference:reference>/withdraw", WithdrawView.as_view(), name="api-withdraw"),
    path("contacts/<reference:reference>/chase", ChaseView.as_view(), name="api-chase"),
    path("contacts/<reference:reference>/escalate", EscalateView.as_view(), name="api-escalate"),
    path("contact-batches", BatchesView.as_view(), name="api-batches"),
    path("contact-batches/<slug:key>", BatchView.as_view(), name="api-batch"),
    path("partner-checks", ChecksView.as_view(), name="api-checks"),
    path("partner-checks/<slug:key>", CheckView.as_view(), name="api-check"),
    path("partner-checks/<slug:key>/replies", RepliesView.as_view(), name="api-replies"),
    path("events", EventsView.as_view(), name="api-events"),
    path("threshold-check", ThresholdCheckView.as_view(), name="api-threshold-check"),
    path("agency/quality", AgencyQualityView.as_view(), name="api-quality"),
    path("reference-data", ReferenceDataView.as_view(), name="api-reference-data"),
    path("schema", login_not_required(SpectacularAPIView.as_view()), name="api-schema"),
    path("docs", login_not_required(SpectacularSwaggerSplitView.as_view(url_name="api-schema")), name="api-docs"),
]
with_a_slash = [path(f"{address.pattern}/", address.callback) for address in addresses]
urlpatterns = [*addresses, *with_a_slash]
