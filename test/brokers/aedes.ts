/** A broker inside the test process, for the tests that need none of their own: MQTT 3.1.1, nothing kept after `close`. */
import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';

export interface AedesBroker {
  readonly aedes: Aedes;
  readonly port: number;
  /** Cuts every connection, as a network does; clients may connect again. */
  cut(): void;
  close(): Promise<void>;
}

export async function startAedes(): Promise<AedesBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    aedes,
    port: (server.address() as { port: number }).port,
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
