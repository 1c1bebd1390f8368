"""The addresses of the pages."""

from django.urls import path

from casework.web.views import before_the_decision, cases, contacts, reminders, reports, screening, teams, worklist

urlpatterns = [
    path("", worklist.show, name="worklist"),
    path("contacts/new/", contacts.new, name="contact-new"),
    path("contacts/<reference:reference>/", contacts.show, name="contact"),
    path("contacts/<reference:reference>/decide/", contacts.decide, name="contact-decide"),
    path("contacts/<reference:reference>/sign-off/", contacts.sign_off, name="contact-sign-off"),
    path("contacts/<reference:reference>/agreement/", contacts.agreement, name="contact-agreement"),
    path("contacts/<reference:reference>/screening/", screening.screen, name="contact-screening"),
    path("contacts/<reference:reference>/checks/", contacts.checks, name="contact-checks"),
    path("contacts/<reference:reference>/matches/<int:match_id>/", contacts.match, name="contact-match"),
    path("contacts/<reference:reference>/acknowledge/", contacts.acknowledge, name="contact-acknowledge"),
    path("contacts/<reference:reference>/in-writing/", contacts.confirm_in_writing, name="contact-in-writing"),
    path("contacts/<reference:reference>/feedback/", contacts.give_feedback, name="contact-feedback"),
    path("contacts/<reference:reference>/pause/", before_the_decision.pause, name="contact-pause"),
    path("contacts/<reference:reference>/resume/", before_the_decision.resume, name="contact-resume"),
    path("contacts/<reference:reference>/extend/", before_the_decision.extend, name="contact-extend"),
    path("contacts/<reference:reference>/hand-over/", before_the_decision.hand_over, name="contact-hand-over"),
    path("contacts/<reference:reference>/take-on/", before_the_decision.take_on, name="contact-take-on"),
    path("contacts/<reference:reference>/partners/", before_the_decision.ask_partner, name="contact-ask-partner"),
    path(
        "contacts/<reference:reference>/partners/<int:check_id>/answer/",
        before_the_decision.partner_answer,
        name="contact-partner-answer",
    ),
    path(
        "contacts/<reference:reference>/partners/<int:check_id>/withdraw/",
        before_the_decision.partner_withdraw,
        name="contact-partner-withdraw",
    ),
    path("cases/<reference:reference>/", cases.show, name="case"),
    path("cases/<reference:reference>/offer/", cases.offer, name="case-offer"),
    path("cases/<reference:reference>/answer/", cases.answer, name="case-answer"),
    path("cases/<reference:reference>/withdraw/", cases.withdraw, name="case-withdraw"),
    path("cases/<reference:reference>/lead/", cases.lead, name="case-lead"),
    path("cases/<reference:reference>/milestone/", cases.milestone, name="case-milestone"),
    path("cases/<reference:reference>/authority/", cases.authority, name="case-authority"),
    path("cases/<reference:reference>/extend/", cases.extend, name="case-extend"),
    path("cases/<reference:reference>/close/", cases.close, name="case-close"),
    path("teams/<slug:code>/", teams.show, name="team"),
    path("reminders/", reminders.show, name="reminders"),
    path("reminders/<int:reminder_id>/seen/", reminders.seen, name="reminder-seen"),
    path("reminders/<int:reminder_id>/snooze/", reminders.snooze, name="reminder-snooze"),
    path("reports/overrides/", reports.overrides, name="report-overrides"),
    path("reports/overrides/contacts/", reports.contacts, name="report-contacts"),
    path("reports/equality/", reports.equality, name="report-equality"),
]
