EXTRA_DIST += examples/demo.sh examples/servers docs/servers.md
EXTRA_DIST += examples/workers/c/README.md examples/workers/c/worker.c
