import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";

/** A target of forwards: answers the end of what it is sent with the SHA-256 of it, on the half that is still open. */
export async function startDigestServer(): Promise<{ port: number; close: () => void }> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha256");
    socket.on("data", (chunk: Buffer) => hash.update(chunk));
    socket.on("end", () => socket.end(hash.digest("hex")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() };
}
