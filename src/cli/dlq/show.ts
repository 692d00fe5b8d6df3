import { isUtf8 } from 'node:buffer';
import { toText } from '../../envelope/text.ts';
import type { Message } from '../../message.ts';
import { reasonOf, toBeJudged } from '../../route/letter.ts';
import { say } from '../say.ts';
import { table } from '../table.ts';
import type { Letter } from './letters.ts';

export interface Showing {
  readonly when?: ((letter: Message) => unknown) | undefined;
  readonly limit: number;
  /** Headers and body too: they may hold what nobody should read in passing. */
  readonly body?: boolean;
  readonly format: 'text' | 'json';
}

/** The letters as a table, or as a line of JSON each. Returns how many. Throws what `when` throws. */
export async function show(letters: AsyncIterable<Letter>, { when, limit, body, format }: Showing): Promise<number> {
  const shown: Letter[] = [];
  for await (const letter of letters) {
    if (when && when(toBeJudged(letter.message)) !== true) continue;
    if (format === 'json') await say(`${JSON.stringify({ ...factsOf(letter), ...(body && contentOf(letter.message)) })}\n`);
    shown.push(letter);
    if (shown.length >= limit) break;
  }
  if (format === 'json') return shown.length;
  const rows = shown.map((letter) => rowOf(letter));
  if (rows.length > 0 && !body) await say(`${table([head, ...rows])}\n`);
  if (body) for (const [i, letter] of shown.entries()) await say(`${table([head, rows[i] as string[]])}\n${indented(letter.message)}\n`);
  return shown.length;
}

const head = ['letter', 'id', 'when', 'error', 'attempts', 'replays', 'bytes', 'message'];

function factsOf({ number, message }: Letter) {
  const { code, message: text, attempts, time, replays, route, at } = reasonOf(message);
  return {
    letter: number,
    id: idOf(message),
    when: time,
    error: code,
    message: text,
    attempts,
    replays,
    bytes: message.bytes,
    route,
    ...(at && { at }),
  };
}

/** Its own id, or else what its copies are known by. */
function idOf(message: Message): string | undefined {
  const copyId = message.header('mqf-id');
  return message.id ?? (typeof copyId === 'string' ? copyId : undefined);
}

function rowOf(letter: Letter): string[] {
  const { id = '', when, error, message, attempts, replays, bytes } = factsOf(letter);
  return [String(letter.number), printable(id), when, error, String(attempts), String(replays), String(bytes), printable(message)];
}

function contentOf({ headers, key, body }: Message) {
  return {
    key: key === null ? null : toText(key)[0],
    headers: headers.map(([name, value]) => [name, toText(value)[0]]),
    ...(body === null || isUtf8(body) ? { body: body?.toString() ?? null } : { bodyBase64: body.toString('base64') }),
  };
}

function indented({ headers, body }: Message): string {
  const lines = headers.map(([name, value]) => `    ${printable(name)}: ${printable(toText(value)[0])}`);
  const text = body === null ? '(no body)' : isUtf8(body) ? body.toString() : body.toString('base64');
  return [...lines, ...text.split('\n').map((line) => `    ${printable(line)}`), ''].join('\n');
}

/** What a stranger has written must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
