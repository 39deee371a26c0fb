# Everything is compiled, the workflows are bundled ahead, and nothing runs as root.
FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY domain domain
COPY workflows workflows
COPY activities activities
COPY xero xero
COPY db db
COPY api api
COPY config config
COPY workers workers
RUN npm run build

# Optional packages are the embedded Postgres and the bundler's compilers: production needs neither.
FROM node:22-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional

FROM node:22-slim
# Temporal Cloud and Xero are spoken to over TLS, whose roots the slim image lacks.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production NIGHTLEDGER_HOST=0.0.0.0 NIGHTLEDGER_PORT=8080
COPY package.json ./
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.NIGHTLEDGER_PORT}/health/ready`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/workers/api.js"]
