# docker build -t technical_indicators:latest -f docker/technical_indicators.Dockerfile .
# Made of docker/service.template by `make render`: change it there.
ARG PYTHON_IMAGE=docker.io/library/python:3.12.12-slim-bookworm@sha256:593bd06efe90efa80dc4eee3948be7c0fde4134606dd40d8dd8dbcade98e669c

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    UV_CACHE_DIR=/var/cache/uv \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
# A network with certificates of its own hands them in: --secret id=certificates,src=FILE
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python -m pip install --no-cache-dir "uv==${UV_VERSION}"
# What is locked comes first: a layer that stays as long as nothing about it changes.
COPY pyproject.toml uv.lock ./
COPY libs/marketstream/pyproject.toml libs/marketstream/
COPY services/technical_indicators/pyproject.toml services/technical_indicators/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/var/cache/uv \
    python -m uv sync --frozen --package technical-indicators --no-dev --no-install-workspace \
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} + \
    && find /opt/venv -type f -regex '.*\.\(pyi\|pyx\|pxd\|pxi\|c\|cpp\|h\|a\)' -delete
COPY libs/marketstream libs/marketstream
COPY services/technical_indicators services/technical_indicators
# Importing it compiles what a start needs, and shows that nothing is missing.
RUN python -m uv sync --frozen --offline --package technical-indicators --no-dev --no-editable \
    && /opt/venv/bin/python -c 'import technical_indicators.__main__'

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="technical_indicators" \
      org.opencontainers.image.description="Candles to feature vectors" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN install --directory --owner=10001 --group=10001 /state
COPY --from=build /opt/venv /opt/venv
COPY services/technical_indicators/config.yaml /etc/realtime/config.yaml
# What is written goes to /state, which outlives the container where it is mounted, and to /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SERVICE_CONFIG=/etc/realtime/config.yaml \
    STATE_FOLDER=/state \
    KAFKA_STATE_FOLDER=/state/operators \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9103
WORKDIR /state
VOLUME /state
USER 10001:10001
EXPOSE 9103
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"METRICS_PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "technical_indicators"]
