"""How the service is put together: settings, URLs, the Celery worker, the embedded servers."""
