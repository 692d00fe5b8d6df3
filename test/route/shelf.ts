/** A compiled route between fakes: what is given is read, what is written stands on a shelf. */
import { onTestFinished } from 'vitest';
import {
  defineConnector,
  type Log,
  type Message,
  notConnected,
  type Properties,
  type SinkEnd,
  type SourceEnd,
} from '../../src/connector.ts';
import { createEngine, type Mqferry } from '../../src/index.ts';
import { folder } from '../cli/mqferry.ts';
import { sinkCan } from '../engine/sim/sink-broker.ts';

/** Stores messages, and confirms them unless told otherwise. */
export class Shelf {
  readonly stored: Message[] = [];
  isSilent = false;
  readonly end: SinkEnd = {
    can: sinkCan(false),
    open: async () => {
      const closed = Promise.withResolvers<void>();
      return {
        write: async (messages) => {
          this.stored.push(...messages);
          if (this.isSilent) await closed.promise.then(() => Promise.reject(notConnected('closed')));
          return [];
        },
        close: async () => closed.resolve(),
      };
    },
  };

  get ids(): unknown[] {
    return this.stored.map((message) => message.header('mqf-id'));
  }
}

/** `given` reads a fake source; `shelf`, which has these slots, and `dead` are written to. */
export async function run(yaml: string, source: SourceEnd, dataDir = folder(), log?: Log, properties: readonly (keyof Properties)[] = []) {
  const [shelf, dead] = [new Shelf(), new Shelf()];
  const sinkOf = (name: string, { end: { can, open } }: Shelf) => {
    const end = { can: { ...can, carries: { ...can.carries, properties } }, open };
    return defineConnector({ name, summary: 'For this test.', sink: { fields: {}, create: () => end } });
  };
  const given = defineConnector({ name: 'given', summary: 'For this test.', source: { fields: {}, create: () => source } });
  const connectors = { given, shelf: sinkOf('shelf', shelf), dead: sinkOf('dead', dead) };
  const mqferry = await createEngine({ routes: { texts: [{ name: 'a.yaml', text: yaml }] }, connectors, dataDir, ...(log && { log }) });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  return { shelf, dead, mqferry };
}

export const books = ({ engine }: Mqferry, route: string) => engine.routes.find(({ name }) => name === route)!.books;
