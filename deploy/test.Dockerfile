# The image with the tests and what they need, on the very Python and packages that users get.
ARG IMAGE
FROM ${IMAGE}
# hadolint ignore=DL3002,DL3066
USER root
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /project
COPY requirements-dev.txt ./
# Beside what is there: a package that the image holds is not installed again. Its own Python has no
# pip, the one that it was made from does.
RUN "$(readlink -f /opt/labeler/bin/python)" -m pip --python /opt/labeler/bin/python install --no-cache-dir \
        --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
COPY . ./
# Some tests ask git which files belong to the project, and an upload comes without its history.
RUN git init --quiet && git add --all
ENV HOME=/root CHROMIUM=/usr/bin/chromium PYTHONDONTWRITEBYTECODE=
CMD ["python", "-m", "pytest"]
