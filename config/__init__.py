"""How the service is put together: settings, URLs, the Celery worker, the embedded servers."""

import gc

from config.garbage import THRESHOLDS

# Every process loads this first. While code is loaded, nearly nothing becomes garbage: looking for it took a sixth of
# each start.
gc.set_threshold(*THRESHOLDS)
