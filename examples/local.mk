EXTRA_DIST += examples/demo.sh examples/test-common.sh examples/servers docs/servers.md docs/reload.md examples/01-web-and-workers examples/02-container-entrypoint examples/03-chat-server
EXTRA_DIST += examples/workers/c/README.md examples/workers/c/worker.c
