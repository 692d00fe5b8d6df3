/** Steps that keep messages, run as a route has them: between the pumps, on files in memory, in virtual time. */
import { VirtualClock } from '../../src/engine/virtual-clock.ts';
import type { MqferryError } from '../../src/errors.ts';
import { compileRoutes } from '../../src/index.ts';
import type { Message } from '../../src/message.ts';
import { around } from '../../src/rehearsal/surroundings.ts';

export interface Passed {
  readonly out: readonly Message[];
  /** When each of them left, in ms since the first came. */
  readonly at: readonly number[];
  readonly failed: readonly (readonly [Message, MqferryError])[];
}

const never = new AbortController().signal;
const startMs = Date.UTC(2026, 0, 1);

/** What becomes of these messages, which come at once, within a year. One stage; the steps before and behind it are not run. */
export async function throughStage(yaml: string, messages: readonly Message[]): Promise<Passed> {
  const clock = new VirtualClock(startMs);
  const text = `routes:\n  r:\n    source: generate\n    sink: print\n    steps:\n${yaml.replace(/^/gm, '      ')}\n`;
  const { routes, problems } = await compileRoutes(
    { routes: { texts: [{ name: 'stage.yaml', text }] } },
    around({ allowScripts: false, clock }),
  );
  if (problems.length > 0) throw new Error(problems.map(({ message, hint }) => `${message} — ${hint}`).join('\n'));
  const { pumps, stores = [] } = await routes[0]!.plan();
  const [stage] = stores;
  if (!stage || stores.length > 1) throw new Error('there must be one stage');
  const near = await pumps[0].sinks[0]!.end.open(never);
  const failed = (await near.write(messages)).map(({ message, error }) => [message, error] as const);
  const far = await pumps[1]!.source.open(never);
  const out: Message[] = [];
  const at: number[] = [];
  let isOver = stage.stats().messages === 0;
  const reading = (async () => {
    while (!isOver) {
      const batch = await far.read({ messages: 10_000, bytes: Number.POSITIVE_INFINITY }, never);
      for (const message of batch?.messages ?? []) {
        out.push(message);
        at.push(clock.now());
      }
      batch?.ack();
      isOver = stage.stats().messages === 0;
    }
  })();
  reading.catch(() => {});
  await clock.time.run(() => isOver, 366 * 86_400_000);
  if (isOver) await reading;
  return { out, at, failed };
}
