/** What a test file may say, declared once: check, types, reference and editor schema come from here. */
import {
  anything,
  duration,
  expression,
  type Fields,
  group,
  type Infer,
  list,
  map,
  oneOf,
  size,
  text,
  whole,
  yesNo,
} from '../config/fields.ts';
import { errorCodes } from '../errors.ts';

const time = (doc: string) =>
  text(`${doc} E.g. \`2026-01-31T10:00:00Z\`, or milliseconds since 1970.`, {
    optional: true,
    pattern: /^(?:\d{1,15}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))$/,
    hint: 'a time such as 2026-01-31T10:00:00Z, or milliseconds since 1970',
  });

const propertyFields = {
  id: text('Message id.', { optional: true }),
  group: text('Ordering or partitioning group.', { optional: true }),
  correlationId: text('Correlation id.', { optional: true }),
  replyTo: text('Where answers go.', { optional: true }),
  timestamp: time('When it was made.'),
  expiresAt: time('When it expires.'),
  priority: whole('0 to 255.', { optional: true, max: 255 }),
  persistent: yesNo('Whether it was sent as persistent.', { optional: true }),
  contentType: text('Media type of the body.', { optional: true }),
  contentEncoding: text('How the body is compressed.', { optional: true }),
  type: text("The application's name for this kind of message.", { optional: true }),
  appId: text('The application that sent it.', { optional: true }),
} satisfies Fields;

const bodyFields = {
  json: anything('The body as JSON, all of it. Of a JSON that must keep its very digits and blanks, write `text`.', { optional: true }),
  text: text('The body as text.', { optional: true }),
  base64: text('The body as bytes, in base64.', {
    optional: true,
    pattern: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    hint: 'bytes in base64, padded',
  }),
  tombstone: yesNo('There is no body at all, which is not the same as an empty one.', { default: false }),
} satisfies Fields;

export const givenFields = {
  ...bodyFields,
  size: size('A body that is shorter is filled up with blanks to this many bytes.', { optional: true }),
  key: text('The key.', { optional: true }),
  headers: map('Headers by name.', anything('Any value.'), { default: {} }),
  headerList: list(
    'More headers, one by one: a name may be there more than once.',
    group('One header.', { name: text('Its name.'), value: anything('Any value.') }),
    { default: [], advanced: true },
  ),
  ...propertyFields,
  origin: map('What the source broker says of it: topic, partition, routingKey ...', anything('A single value.'), { default: {} }),
  lane: text('The partition, queue or session it came by: what `order: lane` keeps apart.', { default: '' }),
  after: duration('How long after the message before it comes; of the first, after the start.', { default: 0 }),
  repeat: whole('The same message so many times.', { default: 1, min: 1, max: 10_000 }),
  fault: text('The source could not decode it, for this reason; the body is what came.', { optional: true, advanced: true }),
} satisfies Fields;

export const expectedFields = {
  ...bodyFields,
  contains: anything('What the body as JSON has in it; maps may have more names than these, lists must be as long.', { optional: true }),
  key: text('The key.', { optional: true }),
  headers: map(
    'Headers by name, as the target gets them: what its protocol has no slot for is in `mqf-` headers. A repeated one is a list.',
    anything('Any value.'),
    { default: {} },
  ),
  ...propertyFields,
  to: map('What the `${{ }}` settings of the sink are for this message: `topic`, `queue`, `routingKey`, `key` ...', text('A text.'), {
    default: {},
  }),
  without: list('What it does not have, as `remove` names it: `header.x-debug`, `body.card`, `key`, `contentType`.', text('One of it.'), {
    default: [],
  }),
  holds: expression('What is true of it. A list: all must hold.', { slot: 'boolean', listAll: true, optional: true }),
  exact: yesNo(
    'It has nothing that is not written here: no other header (but `mqf-hops`, `mqf-id`, `mqf-error-*`), property, key or body. Else only what is written is looked at.',
    { default: false },
  ),
  times: whole('The same so many times, one behind the other.', { default: 1, min: 1, max: 10_000 }),
} satisfies Fields;

export const letterFields = {
  ...expectedFields,
  code: oneOf('The error it died of.', errorCodes, { optional: true }),
  reason: text('Words in the reason (`mqf-error-message`).', { optional: true }),
  at: text('Of several dead-letter destinations, which one; named as a sink is.', { optional: true }),
} satisfies Fields;

export const answers = ['refuse', 'refuseForNow', 'hangUp', 'loseConfirm'] as const;

export const faultFields = {
  answer: oneOf(
    'What the sink does instead of taking a message. `refuse`: for good. `refuseForNow`: it may be tried again (a sink that keeps order hangs up instead, as the real one does). `hangUp`: the link is lost, and nothing of this write was taken. `loseConfirm`: it was taken, and the link is lost before the sink could say so; so copies come.',
    answers,
  ),
  when: expression('Only messages of which this is true. Absent: any.', { slot: 'boolean', listAll: true, optional: true }),
  times: whole('So often, then no more. Absent: always.', { optional: true, min: 1 }),
  code: oneOf('The error of a refusal.', errorCodes, { default: 'REFUSED' }),
  downFor: duration('How long no new link can be opened after this one was lost.', { default: 0 }),
} satisfies Fields;

export const expectFields = {
  sinks: map(
    'What arrives at each sink, in this order. A sink is named by its connector (`kafka`), with its connection (`kafka events`), by where it writes to (`orders`), or by its place (`2`): whatever is plain. At a sink that is not named, nothing may arrive.',
    list('The messages.', group('One message.', expectedFields), { mayBeEmpty: true }),
    { default: {} },
  ),
  deadLetters: list('What arrives at the dead-letter destinations, in this order.', group('One dead letter.', letterFields), {
    default: [],
  }),
  filtered: whole('How many of the messages given were filtered.', { default: 0 }),
  dropped: whole('How many of the messages given were dropped.', { default: 0 }),
  outcome: oneOf('`done`: all messages have come to their end. `stopped`: the route has stopped by itself.', ['done', 'stopped'], {
    default: 'done',
  }),
  reason: text('Words in the reason why it has stopped.', { optional: true }),
  anyOrder: yesNo('Messages and dead letters may arrive in any order.', { default: false }),
  ignore: list('Sinks at which anything may arrive.', text('A sink.'), { default: [] }),
} satisfies Fields;

/** Of which one must be written, or nothing would be tested. */
export const claims: readonly (keyof typeof expectFields)[] = ['sinks', 'deadLetters', 'filtered', 'dropped', 'outcome', 'reason'];

export const caseFields = {
  name: text('What it shows, as a sentence.'),
  route: text('The route under test. Absent: the only one there is.', { optional: true }),
  given: list('The messages that the source gives.', group('One message.', givenFields), { default: [] }),
  faults: map(
    'What sinks do on cue, by sink; a dead-letter destination is `dead letter`, or `dead letter 2` of several. The first entry that still holds is taken.',
    list('The faults.', group('One fault.', faultFields)),
    { default: {} },
  ),
  expect: group(
    'What must come of it, all of it: a message that is not expected is a failure, wherever it ends.',
    expectFields as typeof expectFields,
  ),
  now: time('The time at which this test begins, in place of that of the file.'),
  within: duration('How long the messages may take to their end, after the last was given. No time passes while nothing waits.', {
    default: 86_400_000,
    advanced: true,
  }),
} satisfies Fields;

export const fileFields = {
  config: list(
    'The config files under test, from the folder of this file on. Absent: the one of the same name, `orders.yaml` of `orders.test.yaml`.',
    text('A file, folder or glob.'),
    { optional: true },
  ),
  env: map(
    'What `${NAME}` in the config is. Nothing is taken from the machine unless you write it here: `{ HOME: "${HOME}" }`.',
    text('A text.'),
    {
      default: {},
    },
  ),
  files: map('What `${file:…}` in the config reads, by the path as it is written there. No such file is read.', text('Its content.'), {
    default: {},
  }),
  now: time('The time at which each test begins: what `now`, `expire` and dead letters go by. Absent: 2026-01-01T00:00:00Z.'),
  tests: list('The tests.', group('One test.', caseFields), { mayBeEmpty: true }),
} satisfies Fields;

export type FileValues = Infer<typeof fileFields>;
export type CaseValues = Infer<typeof caseFields>;
export type Given = Infer<typeof givenFields>;
export type Expected = Infer<typeof expectedFields>;
export type ExpectedLetter = Infer<typeof letterFields>;
export type Fault = Infer<typeof faultFields>;
export type Expectation = Infer<typeof expectFields>;
