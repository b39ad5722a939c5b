# What the operator and the gateway run: the half of the project that talks to Kubernetes, and nothing of the kernel.
#
#     docker build -f images/operator.Dockerfile -t clusteredfractals/operator .
#
# It runs as user 1000, without capabilities, on a read-only root file system; /tmp must be writable.
# Its commands are `fractal-operator` (the default) and `fractal-gateway`.

FROM debian:bookworm-slim AS tools
# A pip configuration for building only, where the package index needs one; it is not in the image that runs.
ARG PIP_CONFIG_FILE=/dev/null
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv
WORKDIR /source
RUN python3 -m venv /opt/fractal
COPY requirements/operator.lock requirements/
RUN /opt/fractal/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements/operator.lock

# Without the kernel's sources there is nothing to compile, so no compiler. A layer of its own: it alone changes daily.
FROM tools AS project
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY crds crds
COPY operator operator
RUN mkdir kernel \
    && /opt/fractal/bin/pip install --no-compile --no-build-isolation --no-deps --no-index --prefix /opt/project . \
    && rm -f /opt/project/bin/fractal \
    && /opt/fractal/bin/python -m compileall -q -s /opt/project -p /opt/fractal /opt/project/lib

# What only the kernel and the building need goes. The Kubernetes client has a module for each of 700 kinds, of which
# we import none: they are left uncompiled.
FROM tools AS libraries
RUN /opt/fractal/bin/pip uninstall --yes cython numpy mpi4py isal setuptools pip \
    && find /opt/fractal -depth -type d -name tests -exec rm -r {} + \
    && /opt/fractal/bin/python -m compileall -q -x 'kubernetes/(aio/)?client/(models|api)/' /opt/fractal/lib

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* \
    && useradd --uid 1000 --no-create-home --home-dir /tmp --shell /bin/sh fractal
COPY --from=libraries /opt/fractal /opt/fractal
COPY --from=project /opt/project /opt/fractal
ENV PATH=/opt/fractal/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1
USER 1000:1000
WORKDIR /tmp
ENTRYPOINT ["tini", "--"]
CMD ["fractal-operator"]
