import { type Carries, textSlot, withSlots } from '../../src/connector.ts';

const isText = (text: string) => text.isWellFormed();
const text = (name: string) => textSlot(name, isText, 'text');
const number = (name: string) => ({
  name,
  keeps: (value: number) => (Number.isFinite(value) ? ('exactly' as const) : ('not' as const)),
  but: 'a number',
});

/** What the JSON of a message has a place for: see message.ts. */
export const carries: Carries = {
  headers: 'text',
  repeats: true,
  ordered: false,
  key: true,
  ...withSlots({
    id: text('id'),
    group: text('group'),
    correlationId: {
      name: 'correlationId',
      keeps: (value) => (typeof value === 'string' && isText(value) ? 'exactly' : 'not'),
      but: 'text',
    },
    replyTo: text('replyTo'),
    timestamp: number('timestamp'),
    expiresAt: number('expiresAt'),
    priority: number('priority'),
    persistent: { name: 'persistent' },
    contentType: text('contentType'),
    contentEncoding: text('contentEncoding'),
    type: text('type'),
    appId: text('appId'),
  }),
  maxBytes: Number.POSITIVE_INFINITY,
  keepsValue: (value) => typeof value === 'string' && isText(value),
  words: {
    kinds: { text: 'text in `headers`' },
    natives: { 'receipt, attempt': 'of one delivery, not of the message' },
    limits: ['A header that comes several times is a list of its values, so headers of different names may change places.'],
  },
};
