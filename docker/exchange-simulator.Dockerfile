# docker build -t exchange-simulator:latest -f docker/exchange-simulator.Dockerfile .
# The realtime command without what only training needs: `simulate`, `risingwave`, `dead-letters`.
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
COPY . .
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/var/cache/uv \
    python -m uv sync --frozen --no-dev --no-install-workspace \
        --package exchange-simulator --package prediction-api \
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} + \
    && find /opt/venv -type f -regex '.*\.\(pyi\|pyx\|pxd\|pxi\|c\|cpp\|h\|a\)' -delete
# Importing it compiles what a start needs, and shows that nothing is missing.
# Without sources: those of pyproject.toml name packages for development, which are not here.
RUN python -m uv pip install --offline --no-deps --no-sources --python /opt/venv/bin/python \
        . libs/*/ services/*/ \
    && /opt/venv/bin/python -c 'import realtime_training.commands, realtime_training.commands.simulate.work' \
    && /opt/venv/bin/realtime risingwave --help

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="exchange-simulator" \
      org.opencontainers.image.description="A stand-in exchange; and the realtime command for migrations and dead letters" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN install --directory --owner=10001 --group=10001 /state
COPY --from=build /opt/venv /opt/venv
COPY risingwave /opt/risingwave
# What is written goes to /state, which outlives the container where it is mounted, and to /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    EXCHANGE_HOST=0.0.0.0 \
    EXCHANGE_PORT=9443 \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RISINGWAVE_FOLDER=/opt/risingwave \
    STATE_FOLDER=/state \
    KAFKA_STATE_FOLDER=/state/operators
WORKDIR /state
VOLUME /state
USER 10001:10001
EXPOSE 9443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"EXCHANGE_PORT\"]}/api/v3/ping', timeout=4)"]
ENTRYPOINT ["realtime"]
CMD ["simulate"]
