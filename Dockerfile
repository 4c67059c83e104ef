# The image is made from the wheel, as every other install is; nothing of the clone is in it.
# BASE must be glibc (slim, not Alpine): RE2 has no wheel for musl.
#
# Build where no package index is reached: put the wheels of requirements/build.lock and runtime.lock into wheels/
# and add --build-arg PIP_NO_INDEX=1; the hashes are asked for all the same.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG PIP_NO_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ONLY_BINARY=:all: PIP_FIND_LINKS=/src/wheels
WORKDIR /src
# `wheel[s]` is a pattern, so that the folder may be missing.
COPY requirements/build.lock requirements/runtime.lock wheel[s] wheels/
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r wheels/build.lock
# The environment that is shipped: the locked packages, then the wheel, then no pip.
RUN python3 -m venv /opt/syncd && /opt/syncd/bin/pip install --require-hashes -r wheels/runtime.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY syncd syncd
COPY connectors connectors
COPY config config
RUN /opt/build/bin/hatchling build -t wheel -d /dist \
    && /opt/syncd/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/syncd/bin/pip uninstall --yes pip

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="syncd" \
    org.opencontainers.image.description="Keeps every issue in Jira and Linear tied to one strategic outcome" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/syncd /opt/syncd
# The configuration is mounted at /var/lib/syncd/config; relative paths in it (the store, the reports) start from
# /var/lib/syncd, the one place that syncd writes to. The owner is a number: no user database is asked.
WORKDIR /var/lib/syncd
RUN mkdir config && chown -R 10001:10001 /var/lib/syncd
ENV PATH=/opt/syncd/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SYNCD_CONFIG=/var/lib/syncd/config
USER 10001:10001
# Reads the store only; no shell and no curl is needed in the image.
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s --retries=3 CMD ["syncd", "status"]
ENTRYPOINT ["syncd"]
CMD ["once"]
