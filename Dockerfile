# Two stages: the package is built with everything, and run with what it needs alone.
# No container engine was at hand to build this; the command it runs was tried as pid 1 with a read-only root: docs/operations.md.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.ts && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
LABEL org.opencontainers.image.title="mqferry" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/bin ./bin
COPY --from=build /build/dist ./dist
COPY --from=build /build/node_modules ./node_modules
ENV NODE_ENV=production MQFERRY_DATA=/data NODE_COMPILE_CACHE=/tmp/node-cache
RUN mkdir /data /routes && chown 65532:65532 /data && node bin/mqferry.js --version
VOLUME /data
USER 65532:65532
EXPOSE 9797
# Run with a read-only root and a tmpfs on /tmp; to reach the probes from outside: --admin 0.0.0.0:9797 and MQFERRY_ADMIN_TOKEN.
ENTRYPOINT ["node", "/app/bin/mqferry.js"]
CMD ["run", "/routes"]
