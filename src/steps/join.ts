import { keyOf } from '../buffer/keys/keys.ts';
import type { Keeper, Release } from '../buffer/stage/keeper.ts';
import { duration, group, list, oneOf, template, text, whole } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import type { Header, Message } from '../message.ts';
import { Encounters } from './encounters.ts';
import { keptFields, limitsText } from './kept.ts';
import { jsonType, merged, mustBeJson } from './merged.ts';
import { asStepFailed, defineStage } from './step.ts';

export const join = defineStage({
  name: 'join',
  summary:
    'Makes one message of those of several sides that belong together, such as an order and its payment: each is kept, on disk, until the others have come.',
  notes: `A route has one source, so let a route for each side write into one \`local\` queue on disk, with a header that says which side it is; the route that reads the queue joins.

The body is a JSON object with a member for each side: \`{"order": …, "payment": …}\`, of bodies that must be JSON, with their digits as they are. What all have alike the message has too: key,
headers, properties. When a side has not come \`within\` the time, what is there leaves with the header \`join-missing\`, which names what is not; with \`missing: fail\` it goes the way of what fails. A copy
of a message that waits is one with it; another message of the same side and key lets the one before leave alone. Times and decisions are on disk as those of \`aggregate\`.`,
  value: group('Which belong together.', {
    by: template('Messages for which this text is the same belong together.', { example: '${{ body.orderId }}' }),
    side: template('Which side a message is of: one of `sides`.', { example: '${{ header.side }}' }),
    sides: list('The names of the sides, two or more.', text('The name of a side.'), { example: ['order', 'payment'] }),
    within: duration('How long the first of them waits for the others.', { example: '10m' }),
    missing: oneOf('What becomes of those that wait in vain.', ['pass', 'fail'], { default: 'pass' }),
    maxKeys: whole('Keys of which something waits, at most; beyond it what waits for longest leaves alone.', {
      default: 1_000_000,
      min: 1,
      max: 10_000_000,
      advanced: true,
    }),
    ...keptFields,
  }),
  example: {
    steps: "- join: { by: '${{ body.id }}', side: '${{ header.side }}', sides: [order, payment], within: 10m }",
    before: 'header.side: order\nbody: {"id":7,"sku":"a"}\n---\nheader.side: payment\nbody: {"id":7,"paid":12.50}',
    after: 'contentType: application/json\nbody: {"order":{"id":7,"sku":"a"},"payment":{"id":7,"paid":12.50}}',
  },
  explain: ({ sides, within, missing, ...limits }) =>
    `keeps it on disk until one of each of ${sides.join(', ')} has come with its key, for at most ${durationText(within)} (${limitsText(limits)}), and makes one message of them; what waits in vain ${missing === 'pass' ? 'goes on alone' : 'fails'}`,
  stage({ by, side, sides, within, missing, maxKeys, ...kept }) {
    if (new Set(sides).size !== sides.length || sides.length < 2)
      throw new MqferryError('CONFIG_INVALID', '`sides` must be two names or more, each once');
    const keeper = (): Keeper => {
      const encounters = new Encounters({ sides: sides.length, withinMs: within, maxKeys });
      return {
        decides: true,
        note(message) {
          try {
            mustBeJson(message);
            return `${sideOf(side(message), sides)}:${keyOf(`${message.body}`)}:${by(message)}`;
          } catch (error) {
            throw asStepFailed('join', error);
          }
        },
        add({ id, note, at }) {
          const [, number, content, key] = /^(\d+):(.{16}):(.*)$/s.exec(note) as unknown as [string, string, string, string];
          encounters.add({ id, at, key, content, side: Number(number) });
        },
        take({ stage }): Release | undefined {
          const met = encounters.take(stage);
          return met && { members: met.map(({ id }) => id), why: met.map((one) => one.side).join() };
        },
        waitMs: ({ stage }) => encounters.waitMs(stage),
        make: (members, why) => joined(members, why.split(',').map(Number), sides, missing),
        failed: (members, error) =>
          merged(members, Buffer.concat(members.map(({ body }) => body ?? Buffer.alloc(0))), [], { fault: error }),
        get groups() {
          return encounters.open;
        },
      };
    };
    return { ...kept, keeper, orderLimit: '`join` lets messages leave as the others come' };
  },
});

/** Of copies, the first. */
function joined(members: readonly Message[], sideOfMember: readonly number[], sides: readonly string[], missing: 'pass' | 'fail'): Message {
  const found = sides.flatMap((name, i): [string, Message][] => {
    const at = sideOfMember.indexOf(i);
    return at < 0 ? [] : [[name, members[at] as Message]];
  });
  const lacking = sides.filter((name) => !found.some(([own]) => own === name));
  const pieces = found.map(([name, { body }]) => Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), body as Buffer]));
  const body = Buffer.concat([
    Buffer.from('{'),
    ...pieces.flatMap((piece, i) => (i === 0 ? [piece] : [Buffer.from(','), piece])),
    Buffer.from('}'),
  ]);
  const own: Header[] = lacking.length > 0 ? [['join-missing', lacking.join()]] : [];
  const message = merged(members, body, own, jsonType);
  if (lacking.length === 0 || missing === 'pass') return message;
  return message.change({ fault: new MqferryError('STEP_FAILED', `join: ${lacking.join(', ')} did not come`) });
}

/** Throws STEP_FAILED. */
function sideOf(name: string, sides: readonly string[]): number {
  const side = sides.indexOf(name);
  if (side < 0)
    throw new MqferryError('STEP_FAILED', `the side is ${JSON.stringify(name.slice(0, 80))}, which is none of ${sides.join(', ')}`);
  return side;
}
