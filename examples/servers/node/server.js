// Serves HTTP on the descriptor in its argument, and finishes what it has begun when it is told to end. With
// `berth run --ready fd:9 --env READY_FD=9` berth knows when it serves.
const fs = require("fs");
const http = require("http");

const server = http.createServer((request, response) => {
  response.setHeader("Connection", "close");
  response.end(`pid=${process.pid}\n`);
});
process.on("SIGTERM", () => server.close());
server.listen({ fd: Number(process.argv[2]) }, () => {
  if (process.env.READY_FD) fs.writeSync(Number(process.env.READY_FD), "\n");
});
