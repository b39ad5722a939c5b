# What the pods of a world run: the agent, the ranks, and the sshd by which mpirun reaches the other pods.
#
#     docker build -f images/kernel.Dockerfile -t clusteredfractals/kernel .
#
# It runs as user 1000, without capabilities, on a read-only root file system; /tmp and /dev/shm must be writable.

FROM debian:bookworm-slim AS build
# A pip configuration for building only, where the package index needs one; it is not in the image that runs.
ARG PIP_CONFIG_FILE=/dev/null
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev python3-dev python3-venv
WORKDIR /source
RUN python3 -m venv /opt/fractal
COPY requirements/base.lock requirements/
RUN /opt/fractal/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements/base.lock
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY crds crds
COPY kernel kernel
RUN mkdir operator \
    && /opt/fractal/bin/pip install --no-cache-dir --no-compile --no-build-isolation --no-deps . \
    && /opt/fractal/bin/pip uninstall --yes cython setuptools pip \
    && find /opt/fractal -depth -type d -name tests -exec rm -r {} + \
    && find /opt/fractal -name '*.a' -delete \
    && /opt/fractal/bin/python -m compileall -q /opt/fractal/lib

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openmpi-bin openssh-client openssh-server python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* /etc/ssh/ssh_host_* \
    && useradd --uid 1000 --no-create-home --home-dir /tmp --shell /bin/sh fractal
COPY --from=build /opt/fractal /opt/fractal
ENV PATH=/opt/fractal/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin HOME=/tmp PYTHONUNBUFFERED=1
USER 1000:1000
WORKDIR /tmp
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "fractal_kernel.agent"]
