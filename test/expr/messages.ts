import { type HeaderValue, Message, type MessageInit } from '../../src/message.ts';

export function jsonMessage(body: unknown, init: Partial<MessageInit> = {}): Message {
  return new Message({ body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), ...init });
}

export const order = jsonMessage(
  {
    orderId: 'o-1',
    amount: 150,
    n: 5,
    none: null,
    flag: true,
    l: [1, 2, 3],
    s: 'héllo',
    customer: { id: 7, email: 'a@b.c' },
    lines: [
      { sku: 'a', qty: 2, price: 1.5, cat: 'x' },
      { sku: 'b', qty: 0, price: 2, cat: 'y' },
      { sku: 'c', qty: 3, price: 1, cat: 'x' },
    ],
  },
  {
    headers: [
      ['region', 'eu'],
      ['x-id', Buffer.from('abc')],
      ['bin', Buffer.from([255])],
      ['region', 'us'],
      ['big', 2n ** 60n],
      ['when', new Date(0)],
      ['table', new Map<string, HeaderValue>([['a', Buffer.from('b')]])],
    ],
    key: Buffer.from('k1'),
    id: 'm1',
    type: 'order.created',
    timestamp: 1_700_000_000_000,
    priority: 4,
    origin: { topic: 'sensors/s1/d2/temp', partition: 3, offset: 12n },
  },
);
