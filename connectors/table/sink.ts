import {
  type Expression,
  type Message,
  MqferryError,
  notConnected,
  type Refusal,
  type Sink,
  type Table,
  type Template,
} from '../../src/connector.ts';

interface Settings {
  readonly name: string;
  readonly key: Template;
  readonly value: Expression;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Enters messages into a table, or removes what they name. What cannot be entered is refused for good: waiting would not make room. */
export function tableSink(table: Table, settings: Settings): Sink {
  let isClosed = false;
  return {
    async write(messages) {
      if (isClosed) throw notConnected(`the link to the table ${settings.name} is closed`);
      const refusals: Refusal[] = [];
      for (const message of messages) {
        const error = enter(table, settings, message);
        if (error) refusals.push({ message, error, retry: false });
      }
      return refusals;
    },
    async close() {
      isClosed = true;
    },
  };
}

function enter(table: Table, { name, key, value, maxEntries, maxBytes }: Settings, message: Message): MqferryError | undefined {
  try {
    const at = key(message);
    const kept = message.body === null ? null : value(message);
    if (kept === null) {
      table.delete(at);
      return undefined;
    }
    const bytes = message.bytes + at.length;
    if (!table.has(at) && table.entries >= maxEntries)
      throw new MqferryError('REFUSED', `the table ${name} has its ${maxEntries} entries: raise maxEntries, or remove some by tombstones`);
    if (table.bytes - table.weigh(at) + bytes > maxBytes)
      throw new MqferryError('REFUSED', `the table ${name} would have more than ${maxBytes} bytes: raise maxBytes`);
    table.set(at, kept, bytes);
    return undefined;
  } catch (error) {
    return error instanceof MqferryError
      ? error
      : new MqferryError('STEP_FAILED', `the entry for the table ${name} cannot be made`, { cause: error });
  }
}
