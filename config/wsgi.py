"""
The WSGI application that the web server loads.

All code is loaded here, once: gunicorn's `--preload` forks its processes afterwards, and nobody's first page waits.
"""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from config.garbage import leave_alone_what_is_loaded
from config.safe_start import refuse_demonstration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
refuse_demonstration()
import_module("config.urls")
leave_alone_what_is_loaded()
