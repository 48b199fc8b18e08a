# Serves HTTP on the descriptor in its argument, and finishes what it has begun when it is told to end.
require "socket"
require "webrick"

listener = TCPServer.for_fd(Integer(ARGV[0]))
# WEBrick would shut the socket down when it ends, for all who have it: it is berth's to end.
def listener.shutdown(*); end

server = WEBrick::HTTPServer.new(DoNotListen: true, Port: listener.addr[1], BindAddress: listener.addr[3],
                                 AccessLog: [], Logger: WEBrick::Log.new(nil, WEBrick::Log::WARN))
server.listeners << listener
server.mount_proc("/") { |_, response| response.body = "pid=#{Process.pid}\n" }
trap("TERM") { server.shutdown }
server.start
