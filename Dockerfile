# The gateway as an image: docker build -t whatif-gateway . (compose.yaml shows how to run it)

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/gateway
COPY requirements/run.txt requirements/postgres.txt requirements/
RUN /opt/gateway/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt -r requirements/postgres.txt
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY templates templates
COPY docs docs
RUN /opt/gateway/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/gateway/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.13-slim
COPY --from=build /opt/gateway /opt/gateway
# /config is a folder, not a file: an editor that saves by renaming, and a ConfigMap, replace the file inside it.
RUN mkdir /config /data && chown 65532:65532 /config /data && chmod 0700 /data
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    GATEWAY_ROUTES=/config/routes.yaml \
    GATEWAY_RECORDINGS=/data/gateway.db \
    GATEWAY_SERVE_HOST=0.0.0.0
# A number, so that Kubernetes' runAsNonRoot can check it. The root file system may be read-only.
USER 65532:65532
WORKDIR /config
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["gateway", "healthcheck"]
ENTRYPOINT ["gateway"]
CMD ["serve"]
