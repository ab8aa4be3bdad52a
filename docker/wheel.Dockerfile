# The image that wheels are built in, for those who reach a registry.
#
# The tags stand in images.toml, and what they meant when they were locked in images.lock.toml; pass
# that digest, so that the tag cannot come to mean something else:
#
#   docker build --file docker/wheel.Dockerfile --target debian \
#       --build-arg RUST=docker.io/library/rust:1.95.0-bookworm@sha256:... docker
#
# Target `debian` makes wheels for systems as new as Debian 12, `manylinux` for those of 2018 on.
ARG RUST=docker.io/library/rust:1.95.0-bookworm
ARG MANYLINUX=quay.io/pypa/manylinux_2_28_x86_64:latest

FROM ${RUST} AS rust
# One directory without rustup, at the place where a toolchain of the host is shown too.
RUN cp --archive "$(rustc --print sysroot)" /toolchain

FROM rust AS debian
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm --recursive --force /var/lib/apt/lists/*
ENV PATH=/toolchain/bin:/usr/local/bin:/usr/bin:/bin
USER 1000:1000

FROM ${MANYLINUX} AS manylinux
COPY --from=rust /toolchain /toolchain
ENV PATH=/toolchain/bin:/opt/python/cp311-cp311/bin:/usr/local/bin:/usr/bin:/bin
USER 1000:1000
