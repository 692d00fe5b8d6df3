/** One measurement: a tool moves what is waiting at the source, and the sink broker says when it is there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tail } from '../test/brokers/broker.ts';
import { cpuSeconds, memoryMiB, processesOf } from './processes.ts';
import type { Journey, Tool } from './tools.ts';

const lookEveryMs = 20;
const stallMs = 30_000;

export interface Figures {
  /** From the start of the process to the first message at the sink. */
  readonly startMs: number;
  /** CPU seconds of the tool in that time. */
  readonly startCpu: number;
  /** Messages per second and CPU seconds per million messages, both from the first message on; the brokers' likewise. */
  readonly rate: number;
  readonly cpu: number;
  readonly brokerCpu: number;
  /** CPU seconds per million messages of the second half alone: what it costs in the long run, when V8 has compiled what is hot. */
  readonly cpuLater: number;
  /** CPU seconds per million messages with the start included. */
  readonly cpuWithStart: number;
  readonly rssMiB: number;
}

interface Sample {
  readonly ms: number;
  readonly count: number;
  readonly cpu: number;
  readonly brokerCpu: number;
}

/** Runs a tool over a filled source. Throws when a message is missing, or there are more than were sent. */
export async function trial(tool: Tool, journey: Journey, messages: number): Promise<Figures> {
  const { from, to, source, sink } = journey;
  await to.empty(sink);
  await from.fill(source, messages);
  const counter = await to.counter(sink);
  const brokers = [...new Set([...processesOf(from.broker.dir), ...processesOf(to.broker.dir)])];
  const brokerCpuBefore = cpuSeconds(brokers);
  const began = performance.now();
  const { pid, stop } = await tool.start(journey);
  const own = pid === undefined ? [] : [pid];
  let rssMiB = 0;
  const log = () => (existsSync(join(journey.dir, 'log')) ? tail(join(journey.dir, 'log')) : '');
  const look = async (): Promise<Sample> => {
    const count = await counter.count();
    if (pid !== undefined && count < messages && !existsSync(`/proc/${pid}`))
      throw new Error(`${tool.name} ended after ${count} messages\n${log()}`);
    if (pid !== undefined) rssMiB = Math.max(rssMiB, memoryMiB(pid).peak);
    return { ms: performance.now() - began, count, cpu: cpuSeconds(own), brokerCpu: cpuSeconds(brokers) - brokerCpuBefore };
  };
  const first = await until(look, (sample) => sample.count > 0, log);
  const half = await until(look, (sample) => sample.count >= messages / 2, log, first);
  const last = await until(look, (sample) => sample.count >= messages, log, half);
  await stop();
  const arrived = await counter.count();
  await counter.close();
  if (arrived !== messages) throw new Error(`${tool.name}: ${messages} were sent and ${arrived} arrived`);
  const counted = (last.count - first.count) / 1e6;
  return {
    startMs: first.ms,
    startCpu: first.cpu,
    rate: ((last.count - first.count) / (last.ms - first.ms)) * 1000,
    cpu: (last.cpu - first.cpu) / counted,
    brokerCpu: (last.brokerCpu - first.brokerCpu) / counted,
    // A tool that is done before it is looked at again has no second half.
    cpuLater: last.count > half.count ? (last.cpu - half.cpu) / ((last.count - half.count) / 1e6) : Number.NaN,
    cpuWithStart: last.cpu / (messages / 1e6),
    rssMiB,
  };
}

async function until(
  look: () => Promise<Sample>,
  isReached: (sample: Sample) => boolean,
  log: () => string,
  since?: Sample,
): Promise<Sample> {
  let before = since;
  let changedAt = performance.now();
  for (;;) {
    const sample = await look();
    if (isReached(sample)) return sample;
    if (sample.count !== before?.count) changedAt = performance.now();
    if (performance.now() - changedAt > stallMs)
      throw new Error(`nothing has arrived for ${stallMs / 1000} s, after ${sample.count} messages\n${log()}`);
    before = sample;
    await sleep(lookEveryMs);
  }
}

/** The middle one; of an even number, the lower of the two. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[(numbers.length - 1) >> 1] ?? Number.NaN;
}

export function medianOf(figures: readonly Figures[]): Figures {
  const of = (pick: (one: Figures) => number) => median(figures.map(pick));
  return {
    startMs: of((one) => one.startMs),
    startCpu: of((one) => one.startCpu),
    rate: of((one) => one.rate),
    cpu: of((one) => one.cpu),
    brokerCpu: of((one) => one.brokerCpu),
    cpuLater: of((one) => one.cpuLater),
    cpuWithStart: of((one) => one.cpuWithStart),
    rssMiB: of((one) => one.rssMiB),
  };
}
