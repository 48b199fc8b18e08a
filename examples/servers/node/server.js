// Serves HTTP on the descriptor in its argument, and finishes what it has begun when it is told to end.
const http = require("http");

const server = http.createServer((request, response) => {
  response.setHeader("Connection", "close");
  response.end(`pid=${process.pid}\n`);
});
server.listen({ fd: Number(process.argv[2]) });
process.on("SIGTERM", () => server.close());
