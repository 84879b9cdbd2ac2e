# The image with the tests and what they need, on the very Python and packages that users get.
ARG IMAGE
FROM ${IMAGE}
# hadolint ignore=DL3002,DL3066
USER root
# Playwright's own Node.js wants libatomic1.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core git libatomic1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /project
COPY requirements-dev.txt ./
# Beside what is there: a package that the image holds is not installed again. Its own Python has no
# pip, the one that it was made from does.
RUN "$(readlink -f /opt/labeler/bin/python)" -m pip --python /opt/labeler/bin/python install --no-cache-dir \
        --disable-pip-version-check --no-deps --require-hashes --requirement requirements-dev.txt
COPY . ./
# Some tests ask git which files belong to the project, and an upload comes without its history.
RUN git init --quiet && git add --all
ENV HOME=/root CHROMIUM=/usr/bin/chromium PYTHONDONTWRITEBYTECODE=
# Without what the image sets for a server: the tests say themselves where theirs listen.
ENTRYPOINT ["env", "--unset=PORT", "--unset=STREAMLIT_SERVER_ADDRESS", "python", "-m", "pytest"]
CMD ["--numprocesses", "2"]
