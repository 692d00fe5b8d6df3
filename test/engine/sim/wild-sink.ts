import type { Refusal, Sink, SinkEnd } from '../../../src/connector.ts';
import { MqferryError, notConnected } from '../../../src/errors.ts';
import type { Message } from '../../../src/message.ts';
import { sinkCan } from './sink-broker.ts';
import type { Process, Random } from './world.ts';

const never = new Promise<never>(() => {});

/** What the sink of a tap may be like: it keeps no promise of the door. It opens or not, answers or not, late, twice, or with nonsense. */
export function wildSink(random: Random, process: Process): SinkEnd {
  return {
    can: sinkCan(random.chance(0.5)),
    open: (() => {
      if (random.chance(0.1)) throw new Error('threw in open');
      return opened(random, process);
    }) as SinkEnd['open'],
  };
}

async function opened(random: Random, process: Process): Promise<Sink> {
  await process.sleep(random.int(0, 50));
  const fate = random.next();
  if (fate < 0.03) return never;
  if (fate < 0.05) throw new MqferryError('SINK_GONE', 'gone for good');
  if (fate < 0.3) throw notConnected('down');
  if (fate < 0.33) return undefined as unknown as Sink;
  return { write: (messages) => answer(messages, random, process), close: () => close(random) };
}

function answer(messages: readonly Message[], random: Random, process: Process): Promise<readonly Refusal[]> {
  const fate = random.next();
  if (fate < 0.05) throw new Error('threw in write');
  if (fate < 0.1) return never;
  if (fate < 0.12) return undefined as never;
  if (fate < 0.14) return Promise.resolve(null as never);
  if (fate < 0.16) return Promise.resolve([undefined] as never);
  if (fate < 0.25) return process.sleep(random.int(0, 100)).then(() => Promise.reject(notConnected('lost')));
  return process.sleep(random.int(0, 300)).then(() => refusals(messages, random));
}

function refusals(messages: readonly Message[], random: Random): Refusal[] {
  if (random.chance(0.5)) return [];
  const error = new MqferryError('REFUSED', 'no');
  return messages.filter(() => random.chance(0.3)).map((message) => ({ message, error, retry: random.chance(0.5) }));
}

function close(random: Random): Promise<void> {
  if (random.chance(0.1)) throw new Error('threw in close');
  return random.chance(0.1) ? never : Promise.resolve();
}
