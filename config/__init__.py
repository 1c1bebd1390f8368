"""How the service is put together: settings, URLs, the Celery worker, the embedded servers."""

from config.garbage import collect_less

# Every process loads this first.
collect_less()
