# Labeler's commands with Apache Beam: starts exports and syncs of the index on Dataflow, and is the
# workers' image too.
# docs/deploy.md has the commands. It serves no pages.

ARG BASE=python:3.12-slim
ARG BEAM=apache/beam_python3.12_sdk:2.77.0

FROM ${BEAM} AS beam

FROM ${BASE}
COPY requirements-beam.txt /build/
RUN python -m pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --no-deps \
        --require-hashes --requirement /build/requirements-beam.txt \
    && python -m pip check
# What Dataflow starts on a worker.
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY labeler/ /app/labeler/
WORKDIR /app
# Workers import the package from wherever they are started.
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1
COPY deploy/beam_entrypoint.sh deploy/worker_secret.py /app/
# The name of the secret with LABELER_INDEX, for workers that write rows. The value is read there.
ARG INDEX_FROM=""
ENV INDEX_FROM=${INDEX_FROM}
ENTRYPOINT ["sh", "/app/beam_entrypoint.sh"]
