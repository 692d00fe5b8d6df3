/**
 * A dead letter as a line of JSON, and back exactly: the whole message as the `envelope` step writes it, and beside it
 *
 *     "lane": "…", "origin": [["name", "value", code], …]
 *
 * which steps may ask for when it is sent again.
 */
import { open } from 'node:fs/promises';
import { everything } from '../../buffer/buffer.ts';
import type { SourceEnd } from '../../connector.ts';
import { fromText, toText } from '../../envelope/text.ts';
import { describeError, MqferryError } from '../../errors.ts';
import { type HeaderValue, Message, type Origin } from '../../message.ts';
import { readWhole, writeWhole } from '../../steps/whole-message.ts';

export function lineOf(message: Message): string {
  const origin = Object.entries(message.origin).map(([name, value]) => [name, ...toText(value)]);
  const whole = writeWhole(message).toString();
  return `${whole.slice(0, -1)},"lane":${JSON.stringify(message.lane)},"origin":${JSON.stringify(origin)}}`;
}

/** Throws DECODE_FAILED; never with what stands in the line. */
export function messageOf(line: string): Message {
  const init = readWhole(Buffer.from(line));
  const { lane, origin } = JSON.parse(line) as { lane?: unknown; origin?: unknown };
  const entries = Array.isArray(origin) ? origin.map(originOf) : [];
  return new Message({ body: null, ...init, lane: typeof lane === 'string' ? lane : '', origin: Object.fromEntries(entries) as Origin });
}

function originOf(entry: unknown): [string, HeaderValue] {
  const [name, text, code] = Array.isArray(entry) ? (entry as unknown[]) : [];
  const value = typeof text === 'string' && typeof code === 'string' ? fromText(text, code) : undefined;
  if (typeof name !== 'string' || value === undefined) throw new MqferryError('DECODE_FAILED', 'its origin is broken');
  return [name, value];
}

/** The letters of such a file; nothing in it is changed. A line that is none ends it all: CONFIG_INVALID. */
export function fileSource(path: string): SourceEnd {
  return {
    can: { settles: 'inOrder', redelivers: 'inOrder', stableIds: [], carries: everything },
    async open() {
      const lines = linesOf(path);
      return {
        isCaughtUp: false, // it ends by itself
        async read() {
          const { value } = await lines.next();
          return value ? { messages: [value], ack: () => undefined } : null;
        },
        close: async () => void (await lines.return(undefined)),
      };
    },
  };
}

async function* linesOf(path: string): AsyncGenerator<Message, undefined> {
  let number = 0;
  try {
    const file = await open(path);
    for await (const line of file.readLines()) {
      number++;
      if (line !== '') yield messageOf(line);
    }
  } catch (error) {
    const where = number > 0 ? ` line ${number}` : '';
    throw new MqferryError('CONFIG_INVALID', `cannot read ${path}${where}: ${describeError(error)}`, { cause: error });
  }
}
