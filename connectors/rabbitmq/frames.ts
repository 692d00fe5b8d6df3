/**
 * What this connector needs of amqplib beyond its public face, all in one place: the socket, and content headers as bytes. amqplib is pinned;
 * {@link innards} says so when a new version looks different, and the tests on a real broker hold the rest.
 */
import type { Socket } from 'node:net';
import type { Channel, ChannelModel } from 'amqplib';
import { MqferryError } from '../../src/connector.ts';

/** amqplib 2.3.1, lib/connection.js. */
interface Connection {
  readonly stream: Socket;
  readonly frameMax: number;
  readonly maxFrameSize: number;
  rest: Buffer;
  recvFrame(): unknown;
}

export interface Innards {
  readonly socket: Socket;
  readonly frameMaxBytes: number;
}

/** The socket and its limits. */
export function innards(model: ChannelModel): Innards {
  const connection = model.connection as unknown as Connection;
  const { stream, frameMax } = connection;
  if (typeof stream?.write !== 'function' || typeof frameMax !== 'number' || typeof connection.recvFrame !== 'function') {
    throw new MqferryError('INTERNAL', 'this version of amqplib is not the one that mqferry was tested with');
  }
  return { socket: stream, frameMaxBytes: frameMax };
}

/** The channel's number on the wire. */
export function channelNumber(channel: Channel): number {
  return (channel as unknown as { ch: number }).ch;
}

const headerFrame = 2;
const overheadBytes = 8;
/** Frame header, class, weight and body size. */
const propertiesAt = 19;

/**
 * From now on `properties` of deliveries and returns on this connection are a Buffer: the content header's bytes from the flag word on.
 * amqplib's decoder loses types and what is not UTF-8, see table.ts.
 */
export function keepPropertiesRaw(model: ChannelModel): void {
  const connection = model.connection as unknown as Connection;
  const receive = connection.recvFrame;
  connection.recvFrame = function (this: Connection) {
    return cutHeaderFrame(this) ?? receive.call(this);
  };
}

/** The next frame, when it is a whole content header; anything else is amqplib's to read, and to complain about. */
function cutHeaderFrame(connection: Connection): unknown {
  const { rest } = connection;
  if (rest.length < propertiesAt || rest[0] !== headerFrame) return undefined;
  const size = rest.readUInt32BE(3);
  const end = size + overheadBytes - 1;
  if (size > connection.maxFrameSize || rest.length <= end || rest[end] !== 0xce) return undefined;
  connection.rest = rest.subarray(end + 1);
  const bodyBytes = rest.readUInt32BE(11) * 0x1_0000_0000 + rest.readUInt32BE(15);
  return { id: rest.readUInt16BE(7), channel: rest.readUInt16BE(1), size: bodyBytes, fields: rest.subarray(propertiesAt, end) };
}
