# Stands in for the official Redis image where no image registry answers: the same programs, user, port and folder.
FROM debian:bookworm-slim
RUN groupadd --gid 999 redis \
    && useradd --uid 999 --gid 999 --no-create-home --home-dir /data --shell /usr/sbin/nologin redis \
    && apt-get update \
    && apt-get install --yes --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* \
    && mkdir /data \
    && chown redis:redis /data
USER 999:999
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
