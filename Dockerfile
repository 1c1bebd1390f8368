# The base image by its digest: see docs/running.md. Without it nothing is built.
ARG PYTHON_DIGEST

# The front-end assets, fetched and built as in `make run`.
FROM python:3.13-slim@${PYTHON_DIGEST} AS assets
WORKDIR /build
COPY requirements-dev.txt .
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements-dev.txt
COPY package.json package-lock.json .npmrc ./
COPY config config
RUN python -m config.assets

FROM python:3.13-slim@${PYTHON_DIGEST}
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/front-door
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt
COPY manage.py ./
COPY errors errors
COPY config config
COPY casework casework
COPY localities localities
COPY triage triage
COPY --from=assets /build/config/static/build config/static/build
# The settings need these values to load. Collecting static files uses none of them, and the image keeps none.
RUN SECRET_KEY=for-collecting-static-files-only-0123456789-abcdefghijklmnopqrstuvwxyz \
    DATABASE_URL=postgresql://none/none REDIS_URL=unix:///none ALLOWED_HOSTS=none.example \
    BASE_URL=https://none.example EMAIL_URL=smtp://none DEFAULT_FROM_EMAIL=none@none.example FILES_DIR=/none \
    python manage.py collectstatic --no-input && useradd --system --no-create-home --uid 10001 --user-group front-door && \
    install --directory --owner=front-door --mode=700 /var/lib/front-door/files
USER 10001:10001
ENV FRONT_DOOR_MODE=production
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--preload", "--worker-class=config.web_server.WebWorker", "--no-control-socket", "--bind=0.0.0.0:8000", "--workers=3", "--threads=4", "--max-requests=5000", "--max-requests-jitter=500"]
