# The kernel's image for worlds under test: it writes down what is rendered and stored, and gives up a run at the first
# world that it loses without a new tile.
FROM docker.io/clusteredfractals/kernel:0.1.0
ENV FRACTAL_LEDGER=/tmp/ledger FRACTAL_WORLD_RETRIES=0
