#!/bin/sh
# Builds the images with what this machine has: docker, podman, or the tests' own way with buildah (root, no registry
# needed). With a registry they are named after it and pushed there.
#
#   images/build.sh [REGISTRY]      such as images/build.sh ghcr.io/me
set -eu
cd "$(dirname "$0")/.."

registry=${1:-}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)

if docker info >/dev/null 2>&1; then
    builder=docker
elif podman info >/dev/null 2>&1; then
    builder=podman
else
    builder=buildah
    PYTHONPATH=tests "${PYTHON:-python3}" -m cluster_harness.project
fi

for file in images/*.Dockerfile; do
    name=$(basename "$file" .Dockerfile)
    image=docker.io/clusteredfractals/$name:$version
    [ "$builder" = buildah ] || "$builder" build --file "$file" --tag "$image" .
    if [ -n "$registry" ]; then
        "$builder" tag "$image" "$registry/$name:$version"
        "$builder" push "$registry/$name:$version"
        image=$registry/$name:$version
    fi
    echo "$image"
done
