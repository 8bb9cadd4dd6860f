# The Action as a container: the runner builds this file, here at the root, and starts its last stage.

# Releases replace this default by tag and digest (python:3.13-slim@sha256:...), so that nobody can move it under us;
# with the tag alone a build from the main branch takes today's security fixes.
ARG PYTHON_IMAGE=python:3.13-slim


FROM ${PYTHON_IMAGE} AS build
WORKDIR /build

# Dependencies first: they change seldom, and the builder keeps this layer. Each download must match a hash of the lock.
# `--no-deps`: what is not in the lock is not installed. The environment gets no pip of its own.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv tools \
 && tools/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-build.lock \
 && python -m venv --without-pip /opt/ai-crm \
 && tools/bin/pip --python /opt/ai-crm/bin/python install --no-cache-dir --no-compile --require-hashes --no-deps -r requirements.lock

# Then ourselves, as the very wheel that is published. actions-toolkit ships its tests as a top-level package: not here.
COPY . .
RUN tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && tools/bin/pip --python /opt/ai-crm/bin/python install --no-cache-dir --no-compile --no-deps dist/*.whl \
 && rm -r /opt/ai-crm/lib/python*/site-packages/tests

# Imports cost three times as much from source as from byte code. The official image carries none for the standard
# library, so that is compiled as well. `unchecked-hash`: nobody edits files in an image, so none is looked at twice.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/ai-crm/lib


FROM ${PYTHON_IMAGE} AS action
LABEL org.opencontainers.image.title="AI-CRM Action" \
      org.opencontainers.image.description="Turns what happens in a repository into tasks" \
      org.opencontainers.image.licenses="MIT"
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
    -x '/(test|idlelib|lib2to3|tkinter|turtledemo|ensurepip|pydoc_data|site-packages)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/ai-crm /opt/ai-crm

# No USER line: GitHub requires that a docker action runs as root, because the files that it is handed (the event, the
# outputs, the summary) belong to the runner's user and are mounted from outside. It runs as any user elsewhere:
# `docker run --user 1001 --read-only --cap-drop ALL` works.
# `-I`: the working directory is a stranger's repository, and a file called `json.py` there must never run with our token.
# The path is absolute, so that a PATH set by an earlier step does not choose the interpreter.
ENTRYPOINT ["/opt/ai-crm/bin/python", "-I", "-m", "action"]
