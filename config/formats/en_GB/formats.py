"""The format of dates and times on pages: GOV.UK's, with the 24-hour clock that rotas use."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
TIME_FORMAT = "H:i"
