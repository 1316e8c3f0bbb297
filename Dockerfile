# Poolhouse in a container. docs/operating.md, "Running with Docker", says how to run it.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY tools/build.mjs tools/one-file.mjs tools/
COPY bin bin/
COPY src src/
RUN node tools/build.mjs && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production POOLHOUSE_HOST=0.0.0.0 POOLHOUSE_DATA=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules/
COPY --from=build /app/bin bin/
COPY --from=build /app/dist dist/
# The embedded database and its secrets; with PostgreSQL and configured keys nothing is written there.
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME ["/data"]
EXPOSE 4747
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.POOLHOUSE_PORT || 4747}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/poolhouse.js"]
CMD ["serve"]
