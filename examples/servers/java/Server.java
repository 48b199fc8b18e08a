import java.io.InputStream;
import java.net.Socket;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Semaphore;

/** Serves HTTP on the listening socket that is descriptor 0, and finishes what it has begun when it is told to end. */
public class Server {
    private static volatile boolean isDraining;

    private static void answer(SocketChannel connection) {
        try (Socket socket = connection.socket()) {
            InputStream in = socket.getInputStream();
            int newlines = 0;
            for (int c = in.read(); c >= 0 && newlines < 2; c = newlines < 2 ? in.read() : c)
                newlines = c == '\n' ? newlines + 1 : c == '\r' ? newlines : 0;
            String body = "pid=" + ProcessHandle.current().pid() + "\n";
            String head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n";
            socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
        } catch (java.io.IOException e) {
            System.err.println(e);
        }
    }

    public static void main(String[] args) throws Exception {
        ServerSocketChannel listener = (ServerSocketChannel) System.inheritedChannel();
        Semaphore working = new Semaphore(1);
        listener.configureBlocking(false);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            isDraining = true;
            working.acquireUninterruptibly();
        }));
        java.nio.channels.Selector selector = java.nio.channels.Selector.open();
        listener.register(selector, java.nio.channels.SelectionKey.OP_ACCEPT);
        while (!isDraining) {
            selector.select(200);
            selector.selectedKeys().clear();
            working.acquireUninterruptibly();
            SocketChannel connection = isDraining ? null : listener.accept();
            if (connection != null) {
                connection.configureBlocking(true);
                answer(connection);
            }
            working.release();
        }
    }
}
