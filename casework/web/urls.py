"""The addresses of the pages."""

from django.urls import path

from casework.web.views import cases, contacts, teams, worklist

urlpatterns = [
    path("", worklist.show, name="worklist"),
    path("contacts/new/", contacts.new, name="contact-new"),
    path("contacts/<str:reference>/", contacts.show, name="contact"),
    path("contacts/<str:reference>/decide/", contacts.decide, name="contact-decide"),
    path("contacts/<str:reference>/sign-off/", contacts.sign_off, name="contact-sign-off"),
    path("contacts/<str:reference>/agreement/", contacts.agreement, name="contact-agreement"),
    path("contacts/<str:reference>/checks/", contacts.checks, name="contact-checks"),
    path("contacts/<str:reference>/matches/<int:match_id>/", contacts.match, name="contact-match"),
    path("contacts/<str:reference>/acknowledge/", contacts.acknowledge, name="contact-acknowledge"),
    path("contacts/<str:reference>/in-writing/", contacts.confirm_in_writing, name="contact-in-writing"),
    path("contacts/<str:reference>/feedback/", contacts.give_feedback, name="contact-feedback"),
    path("cases/<str:reference>/", cases.show, name="case"),
    path("cases/<str:reference>/offer/", cases.offer, name="case-offer"),
    path("cases/<str:reference>/answer/", cases.answer, name="case-answer"),
    path("cases/<str:reference>/withdraw/", cases.withdraw, name="case-withdraw"),
    path("cases/<str:reference>/lead/", cases.lead, name="case-lead"),
    path("cases/<str:reference>/milestone/", cases.milestone, name="case-milestone"),
    path("cases/<str:reference>/authority/", cases.authority, name="case-authority"),
    path("cases/<str:reference>/close/", cases.close, name="case-close"),
    path("teams/<slug:code>/", teams.show, name="team"),
]
