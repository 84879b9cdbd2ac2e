# Labeler as a container: `python app.py` on PORT, as a numeric user without rights, on a file
# system that may be read-only. docs/deploy.md says how it is run; tools/image_test.sh tries it.

ARG BASE=python:3.12-slim

# --- what is installed --------------------------------------------------------------------

FROM ${BASE} AS build
COPY requirements.txt /build/
# Wheels alone, each with the hash of the lock: nothing is compiled, no package runs code here. The
# lock is complete (tools/install.sh says why pip must not look further).
RUN python -m venv --without-pip /opt/labeler \
    && python -m pip --python /opt/labeler/bin/python install --no-cache-dir --no-compile \
        --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
        --requirement /build/requirements.txt \
    && python -m pip --python /opt/labeler/bin/python check
# What no program reads at run time: a quarter of the size.
COPY tools/image_trim.sh /build/
RUN sh /build/image_trim.sh /opt/labeler/lib

COPY app.py /app/
COPY .streamlit/config.toml /app/.streamlit/
COPY labeler/ /app/labeler/
# Without compiled bytecode a cold start takes 5 s. The sources never change any more, so that
# nobody has to look whether they did.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/labeler/lib /app

# --- what runs ----------------------------------------------------------------------------

FROM ${BASE}
LABEL org.opencontainers.image.title="Labeler" \
      org.opencontainers.image.description="Labeled boxes on images in your own bucket"
COPY --from=build /opt/labeler /opt/labeler
COPY --from=build /app /app
WORKDIR /app
# A container without an address of its own to listen on could not be reached.
ENV PATH=/opt/labeler/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/nonexistent \
    PORT=8080 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
EXPOSE 8080
# By number: Kubernetes can tell that it is not root. It owns nothing, its own program included.
USER 10001:10001
# For Docker alone; Cloud Run has probes of its own.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/api/health', timeout=4)"]
# One process: several would not know one another's sessions.
CMD ["python", "app.py"]
