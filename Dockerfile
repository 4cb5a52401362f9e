# syntax=docker/dockerfile:1
# A small image that runs flowbind as a user without rights.
#   docker build -t flowbind --build-arg FLOWBIND_COMMIT="$(git rev-parse HEAD)" .
#   docker run --rm -it -v "$PWD:/work:ro" flowbind plan --environment prod
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY config config
# What `flowbind --version` tells, since the repository is not copied.
ARG FLOWBIND_COMMIT
ARG FLOWBIND_COMMIT_DATE
RUN cargo build --locked --profile dist

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin flowbind
COPY --from=build /src/target/dist/flowbind /usr/local/bin/flowbind
USER 10001
WORKDIR /work
ENTRYPOINT ["flowbind"]
CMD ["--help"]
