/** Tests as a user writes them, run in a folder of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { registryOf } from '../../src/index.ts';
import { type Report, runTests } from '../../src/rehearsal/run.ts';

export interface Run {
  readonly report: Report | undefined;
  /** `line:col rule: message — hint`, with the file before it when it is not the test file. */
  readonly problems: readonly string[];
  /** `where, what: expected … found …`, for each difference of each test. */
  readonly failures: readonly string[];
}

/** Runs the text of a test file beside a config. */
export async function rehearse(config: string, tests: string, env: Record<string, string> = {}): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'mqferry-rehearsal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'r.yaml'), config);
  writeFileSync(join(folder, 'r.test.yaml'), tests);
  const { compile } = registryOf();
  const { report, problems } = await runTests([join(folder, 'r.test.yaml')], { compile, env, allowScripts: false });
  return {
    report,
    problems: problems.map(({ file, line, col, rule, message, hint }) => {
      const place = file.endsWith('.test.yaml') ? `${line}:${col}` : `r.yaml:${line}:${col}`;
      return `${place} ${rule}: ${message}${hint ? ` — ${hint}` : ''}`;
    }),
    failures: (report?.results ?? []).flatMap(({ failures }) =>
      failures.flatMap(({ where, differences }) =>
        differences.map(({ what, expected, found }) => `${where}, ${what}: expected ${expected}, found ${found}`),
      ),
    ),
  };
}

/** A route from RabbitMQ to Kafka with these lines in it; a dead letter unless they say otherwise. */
export function routeWith(lines: string, onError = 'deadLetter: { rabbitmq: { connection: shop, queue: orders.dead } }'): string {
  return `connections:
  shop: { rabbitmq: { url: 'amqp://shop' } }
  events: { kafka: { brokers: 'events:9092' } }
routes:
  orders:
    source: { rabbitmq: { connection: shop, queue: orders } }
${lines.replace(/^(?=.)/gm, '    ')}
    sink: { kafka: { connection: events, topic: orders } }
    onError: { ${onError} }
`;
}
