# Two images: `web` (site, preparation: no torch) and `worker` (the model).
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 UV_COMPILE_BYTECODE=1 PYTHONUNBUFFERED=1 FOVEA_DATA_DIR=/data DJANGO_SETTINGS_MODULE=webapp.settings
RUN useradd --uid 1000 --create-home fovea && install -d -o fovea -g fovea /data
WORKDIR /app
COPY constraints.txt ./
RUN pip install --no-cache-dir --constraint constraints.txt uv
COPY webapp/requirements.txt webapp/
RUN uv pip install --system --no-cache --constraint constraints.txt --requirement webapp/requirements.txt

FROM base AS code
COPY manage.py LICENSE NOTICE ./
COPY captioner captioner
COPY launcher launcher
COPY samples samples
COPY training training
COPY webapp webapp
COPY worker worker

FROM base AS web
COPY --from=code /app ./
USER fovea
VOLUME /data
EXPOSE 8000
ENV FOVEA_HOST=0.0.0.0
CMD ["python", "-m", "launcher.web_server"]

FROM base AS worker
# The build of torch: cpu, or one for a GPU such as cu130.
ARG TORCH=cpu
COPY worker/requirements.txt worker/
RUN uv pip install --system --no-cache --torch-backend=${TORCH} --constraint constraints.txt \
    --requirement worker/requirements.txt
COPY --from=code /app ./
COPY models models
USER fovea
VOLUME /data
CMD ["python", "-m", "worker"]
