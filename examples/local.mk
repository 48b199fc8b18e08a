EXTRA_DIST += examples/demo.sh examples/servers docs/servers.md
