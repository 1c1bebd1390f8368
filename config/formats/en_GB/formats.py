"""How dates and times are written on pages: as GOV.UK writes them, on the 24-hour clock that rotas use."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
TIME_FORMAT = "H:i"
