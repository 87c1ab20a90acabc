# The server as a container; docs/install.md says how to run it.
FROM oven/bun:1.4.5 AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Behind a proxy with a certificate authority of its own: docker build --secret id=ca,src=/path/to/ca.pem
RUN --mount=type=secret,id=ca,target=/run/ca.pem --mount=type=cache,target=/root/.bun/install/cache \
    if [ -s /run/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/run/ca.pem; fi; \
    bun install --frozen-lockfile --production --ignore-scripts --no-progress
COPY tsconfig.json ./
COPY public public
COPY src src
RUN bun src/build.ts

FROM debian:bookworm-slim
# For devboxes (docs/devboxes.md): the ways there, and for the files of conversations.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends openssh-client rsync >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin claude-remote \
    && install -d -m 0700 -o claude-remote -g claude-remote /data
COPY --from=build /src/dist/claude-remote /usr/local/bin/claude-remote
# Everything that is kept stands below /data. In a container, the published port says who reaches it (compose.yml).
ENV CLAUDE_REMOTE_HOME=/data CLAUDE_REMOTE_HOST=0.0.0.0 CLAUDE_REMOTE_SSH_FOLDER=/data/ssh
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7200
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["claude-remote", "healthcheck"]
ENTRYPOINT ["claude-remote"]
CMD ["serve"]
