# A Java runtime on Debian, for the development servers below.
ARG DEBIAN=docker.io/library/debian:bookworm-slim
FROM ${DEBIAN}
# The package's hooks write manual pages, for which a slim image has no folder.
RUN apt-get update -q \
 && mkdir -p /usr/share/man/man1 \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
