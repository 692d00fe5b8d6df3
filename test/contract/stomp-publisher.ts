/** Publishes by stompit, which shares no code with the connector. */
import stompit from 'stompit';
import type { Message } from '../../src/connector.ts';

export interface StompPublisher {
  publish(destination: string, messages: readonly Message[]): Promise<void>;
  close(): void;
}

/** `extra` are headers that every message gets. */
export async function stompPublisher(port: number, host = '/', extra: Record<string, string> = {}): Promise<StompPublisher> {
  const options = { host: '127.0.0.1', port, connectHeaders: { host, login: 'mq', passcode: 'mq-pass', 'heart-beat': '0,0' } };
  const client = await new Promise<Parameters<Parameters<typeof stompit.connect>[1]>[1]>((resolve, reject) =>
    stompit.connect(options, (error, connected) => (error ? reject(error) : resolve(connected))),
  );
  let lost: Error | undefined;
  client.on('error', (error) => (lost = error));
  return {
    async publish(destination, messages) {
      const receipts = messages.map(
        (message) =>
          new Promise<void>((resolve) => {
            const frame = client.send({ ...headersOf(destination, message), ...extra }, { onReceipt: resolve });
            frame.end(message.body ?? Buffer.alloc(0));
          }),
      );
      await Promise.all(receipts);
      if (lost) throw lost;
    },
    close: () => client.destroy(),
  };
}

/** The names of the brokers; a header of the message that has such a name is not meant. */
function headersOf(destination: string, message: Message): Record<string, string> {
  const headers: Record<string, string> = { destination, persistent: 'true', 'content-length': String(message.body?.length ?? 0) };
  const { contentType, correlationId, replyTo, expiresAt, priority, group, id, timestamp, contentEncoding, type, appId } = message;
  const slots = {
    'content-type': contentType,
    'correlation-id': correlationId,
    'reply-to': replyTo,
    expires: expiresAt,
    expiration: expiresAt && expiresAt - Date.now(),
    priority,
    JMSXGroupID: group,
    'amqp-message-id': id,
    timestamp,
    'content-encoding': contentEncoding,
    type,
    'app-id': appId,
  };
  for (const [name, value] of Object.entries(slots)) if (value !== undefined) headers[name] = String(value);
  for (const [name, value] of message.headers) Object.defineProperty(headers, name, { value: String(value), enumerable: true });
  return headers;
}
