import { connect, type Socket } from 'node:net';
import { activemq, activemqLogin } from '../../../brokers/activemq.ts';
import type { Subject } from '../subject.ts';

/** To a STOMP broker these are orders, at the source as well. */
const orders = ['receipt', 'transaction', 'destination', 'expires'];

export async function stompSubject(): Promise<Subject> {
  const broker = await activemq.start();
  const port = broker.ports['stomp'] as number;
  return {
    protocol: 'stomp',
    broker,
    lanes: 1,
    restartBy: 'SIGTERM',
    port,
    proxy: { port: 0, target: port },
    prepare: async () => {}, // the first message makes the queue
    async publisher(name) {
      const link = await Link.open(port);
      let receipts = 0;
      return {
        publish: async (parcels) => {
          await Promise.all(
            parcels.map(({ body, headers }) => {
              const receipt = `r${receipts++}`;
              return link.request(
                'SEND',
                [
                  ['destination', `/queue/${name}`],
                  ['persistent', 'true'],
                  ['receipt', receipt],
                  ...headers.filter(([header]) => !orders.includes(header)),
                ],
                body,
                receipt,
              );
            }),
          );
        },
        close: async () => link.close(),
      };
    },
    async drain(name, arrived) {
      const link = await Link.open(port);
      link.onMessage = ({ headers, body }) => {
        arrived({ body, names: [...headers.keys()], header: (wanted) => headers.get(wanted) });
        link.send('ACK', [['id', headers.get('ack') as string]]);
      };
      link.send('SUBSCRIBE', [
        ['id', '0'],
        ['destination', `/queue/${name}`],
        ['ack', 'client-individual'],
        ['activemq.prefetchSize', '500'],
      ]);
      return async () => link.close();
    },
    connection: (at, isImpatient) =>
      `{ stomp: { url: 'stomp://127.0.0.1:${at}', username: ${activemqLogin.username}, password: ${activemqLogin.password}${isImpatient ? ', heartbeat: 1s' : ''} } }`,
    source: (name) => `stomp: { connection: from, destination: /queue/${name} }`,
    sink: (name) => `stomp: { connection: to, destination: /queue/${name} }`,
  };
}

interface Frame {
  readonly command: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const escapes: readonly (readonly [string, string])[] = [
  ['\\', '\\\\'],
  ['\r', '\\r'],
  ['\n', '\\n'],
  [':', '\\c'],
];

/** As much of STOMP 1.2 as the laboratory needs: every frame has a content-length, every broker frame is well formed. */
class Link {
  onMessage: (frame: Frame) => void = () => {};
  readonly #socket: Socket;
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  #rest: Buffer = Buffer.alloc(0);
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(Buffer.from(chunk)));
    socket.on('error', () => {});
    socket.on('close', () => this.#fail(new Error('the link is lost')));
  }

  static async open(port: number): Promise<Link> {
    const socket = connect(port, '127.0.0.1');
    const link = new Link(socket);
    const { username, password } = activemqLogin;
    const connected = new Promise<void>((resolve, reject) => link.#waiting.set('CONNECTED', { resolve, reject }));
    socket.once('connect', () =>
      link.send('CONNECT', [
        ['accept-version', '1.2'],
        ['host', '/'],
        ['login', username],
        ['passcode', password],
      ]),
    );
    await connected;
    return link;
  }

  send(command: string, headers: readonly (readonly [string, string])[], body: Buffer = Buffer.alloc(0)): void {
    const isPlain = command === 'CONNECT';
    const lines = headers.map(([name, value]) => (isPlain ? `${name}:${value}` : `${escaped(name)}:${escaped(value)}`));
    if (command === 'SEND') lines.push(`content-length:${body.length}`);
    this.#socket.write(Buffer.concat([Buffer.from(`${command}\n${lines.join('\n')}\n\n`), body, Buffer.from([0])]));
  }

  request(command: string, headers: readonly (readonly [string, string])[], body: Buffer, receipt: string): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting.set(receipt, { resolve, reject });
      this.send(command, headers, body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let frame = this.#next(); frame; frame = this.#next()) this.#handle(frame);
  }

  #next(): Frame | undefined {
    let start = 0;
    while (this.#rest[start] === 10 || this.#rest[start] === 13) start++;
    const end = this.#rest.indexOf('\n\n', start);
    if (end < 0) return undefined;
    const [command, ...lines] = this.#rest.toString('utf8', start, end).split('\n') as [string, ...string[]];
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [name, value] = line.split(':') as [string, string];
      if (!headers.has(unescaped(name))) headers.set(unescaped(name), unescaped(value ?? ''));
    }
    const length = headers.get('content-length');
    const from = end + 2;
    const to = length === undefined ? this.#rest.indexOf(0, from) : from + Number(length);
    if (to < from || to >= this.#rest.length) return undefined;
    const body = Buffer.from(this.#rest.subarray(from, to));
    this.#rest = this.#rest.subarray(to + 1);
    return { command, headers, body };
  }

  #handle(frame: Frame): void {
    if (frame.command === 'MESSAGE') this.onMessage(frame);
    else if (frame.command === 'ERROR') this.#fail(new Error(frame.headers.get('message') ?? 'ERROR'));
    else {
      const name = frame.command === 'CONNECTED' ? 'CONNECTED' : (frame.headers.get('receipt-id') as string);
      this.#waiting.get(name)?.resolve();
      this.#waiting.delete(name);
    }
  }
}

function escaped(text: string): string {
  return escapes.reduce((result, [from, to]) => result.replaceAll(from, to), text);
}

function unescaped(text: string): string {
  return text.replace(/\\([\\rnc])/g, (_, letter: string) => ({ '\\': '\\', r: '\r', n: '\n', c: ':' })[letter] as string);
}
