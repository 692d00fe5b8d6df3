import { anything, group, oneOf, template, text } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { fileField, fileLookup } from './lookups/file.ts';
import { type Fate, type Finding, fates, lookUp, Settling, skippedHeader } from './lookups/finding.ts';
import { httpField, httpLookup } from './lookups/http.ts';
import type { Lookup } from './lookups/lookup.ts';
import { chosen } from './one-of.ts';
import { asStepFailed, defineStep, type StepContext } from './step.ts';
import { parseTarget } from './target.ts';

const value = group('Where, what for, and where to put it.', {
  http: httpField,
  file: fileField,
  table: group('A table of this process, which a route feeds by its sink `table`.', { name: text('The table.') }, { optional: true }),
  key: template('What is looked for in the file or table.', { optional: true, example: '${{ body.customerId }}' }),
  into: text('Where what is found goes, as `set` names it: `body.<path>`, `header.<name>`, `key`, a property, or `body`.', {
    example: 'body.customer',
  }),
  missing: oneOf(
    `When there is none. \`fail\`: the message goes the way of \`onError\` (\`NOT_FOUND\`). \`skip\`: it goes on without, and a header \`${skippedHeader}\` says so. \`default\`: it gets the \`default\`.`,
    fates,
    { default: 'fail' },
  ),
  failed: oneOf('When it cannot be told, after all tries: no answer, or one that is none. As with `missing`.', fates, { default: 'fail' }),
  default: anything('What it gets then: any YAML.', { optional: true }),
});

export const enrich = defineStep({
  name: 'enrich',
  summary:
    'Looks something up for each message, at an HTTP service, in a file, or in a table that another route feeds, and puts it into the message.',
  notes: `All that is found goes \`into\` one place; steps behind it pick what they need. Order is kept: a message whose answer takes long holds up those behind
it. Those of one read (at most a quarter of the \`window\`) are looked up side by side, \`concurrency\` at a time; then the next are read. What is
found weighs on memory beside the window, with \`http\` at most \`maxBytes\` each. \`${skippedHeader}\` holds \`<into>: missing\` or \`<into>: failed\`.

What is \`failed\` goes the way of \`onError\` at once, which by default stops the route. So to wait out an outage of a service, raise \`attempts\` and
\`backoff\`: meanwhile nothing is read, and nothing is lost.

**http.** 404, 410, 204, an empty answer and \`null\` are *missing*. Other 4xx and redirects have failed at once: none is followed. An answer is JSON or
text (UTF-8), by its content type. No message can choose who is asked: the host stands in the config, what a message puts into the url is
percent-encoded, and addresses inside (loopback, private, link-local) are refused unless \`allow\` names them, whatever the name leads to when the
connection is made. Authorities of your own: \`NODE_EXTRA_CA_CERTS\`. A request may be sent again for a copy of a message.

**table.** The table is in memory: after a start it fills as its route reads, and until then what has not come is missing.

In a route with a buffer, \`enrich\` and the steps behind it happen behind the buffer: the source does not wait with it, and a service that is down
fills the buffer first.`,
  behindBuffer: true,
  value,
  example: {
    steps: "- enrich: { file: { path: customers.csv, column: id }, key: '${{ body.customerId }}', into: body.customer }",
    files: { 'customers.csv': 'id,name,tier\n7,Ann,gold\n8,Bob,silver\n' },
    before: 'body: {"customerId":7}',
    after: 'body: {"customerId":7,"customer":{"id":"7","name":"Ann","tier":"gold"}}',
  },
  touches: ({ into }) => [{ part: into, sets: true }],
  table: ({ table }) => table?.name,
  explain: ({ http, file, table, into, missing, failed }) => {
    const where = file ? `in ${file.path}` : table ? `in the table ${table.name}` : 'by HTTP';
    const cannotTell = http ? `, one for which it cannot be told ${fateTexts[failed]}` : '';
    return `sets ${into} to what is found ${where}; a message for which there is none ${fateTexts[missing]}${cannotTell}`;
  },
  compile(settings, context) {
    const lookup = lookupOf(settings, context);
    const settling = new Settling(settings, parseTarget(settings.into), lookup.place, context.log, context.clock);
    checkDefault(settings);
    return {
      async *pass(messages, aside, signal) {
        await lookup.refresh?.(signal);
        const findings = messages.map((message) => lookUp(lookup, message, signal));
        const ready: Message[] = [];
        for (const [i, message] of messages.entries()) {
          const finding = await (findings[i] as Promise<Finding>);
          if (signal.aborted) return;
          try {
            ready.push(settling.settled(message, finding));
          } catch (error) {
            aside.fail(message.received, asStepFailed('enrich', error));
          }
        }
        yield ready;
      },
    };
  },
});

const fateTexts: Readonly<Record<Fate, string>> = { fail: 'fails', skip: 'goes on without, marked', default: 'gets a default' };

type Settings = NonNullable<(typeof value)['~type']>;

function lookupOf({ http, file, table, key }: Settings, { log, clock, table: tableOf }: StepContext): Lookup {
  chosen('enrich', { http, file, table });
  if (http) {
    if (key) throw invalid('`key` is for a file or a table: with `http`, the url says what is looked for');
    return httpLookup(http, clock);
  }
  if (!key) throw invalid('`key` is missing: what is looked for');
  if (key.constant !== undefined) throw invalid('`key` is the same text for all messages: write `${{ … }}` in it');
  if (file) return fileLookup(file, key, clock, log);
  const { name } = table as NonNullable<typeof table>;
  const entries = tableOf(name);
  return { place: `in the table ${name}`, find: (message) => entries.get(key(message)) };
}

function checkDefault({ missing, failed, default: value }: Settings): void {
  const isUsed = missing === 'default' || failed === 'default';
  if (isUsed && value === undefined) throw invalid('`default` is missing: what the message gets');
  if (!isUsed && value !== undefined) throw invalid('`default` is never used: write `missing: default` or `failed: default`');
}

function invalid(sentence: string): MqferryError {
  return new MqferryError('CONFIG_INVALID', sentence);
}
