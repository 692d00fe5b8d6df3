/** What a reply says: a value, that there is none, or a failure. */
import { MqferryError } from '../../errors.ts';
import { utf8, withBigints } from '../formats/format.ts';
import { assertDepth } from '../json.ts';
import type { Answer } from './answers.ts';
import type { Reply } from './request.ts';

/** The service may say something else a moment later. */
class Passing extends MqferryError {}

const missing: Answer = { value: undefined, bytes: 0 };

/** Throws REFUSED for a status that is no answer, DECODE_FAILED for an answer that cannot be read; quotes nothing of it. */
export function answerOf({ status, headers, body }: Reply): Answer {
  if (status === 404 || status === 410 || status === 204) return missing;
  if (status >= 300 && status < 400) throw new MqferryError('REFUSED', `it answers ${status}, a redirect, and mqferry follows none`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) throw new Passing('REFUSED', `it answers ${status}`);
  if (status < 200 || status >= 300) throw new MqferryError('REFUSED', `it answers ${status}`);
  if (body.length === 0) return missing;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unreadable('it is compressed, though that was not asked for');
  return { value: read(headers['content-type'], body), bytes: body.length };
}

/** Errors of the network are, and what says of itself that it passes. */
export function isWorthAnotherTry(error: unknown): boolean {
  return !(error instanceof MqferryError) || error instanceof Passing || error.code === 'TIMEOUT';
}

function read(contentType: string | undefined, body: Buffer): unknown {
  const media = (contentType ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/^text\//.test(media)) return textOf(body);
  if (!/^application\/(?:[\w.+-]{1,100}\+)?json$/.test(media)) throw unreadable('it is neither JSON nor text');
  try {
    const value = withBigints(textOf(body));
    assertDepth(value, 0);
    return value;
  } catch {
    throw unreadable('it is not JSON');
  }
}

function textOf(body: Buffer): string {
  try {
    return utf8(body);
  } catch {
    throw unreadable('it is not UTF-8');
  }
}

function unreadable(why: string): MqferryError {
  return new MqferryError('DECODE_FAILED', `its answer cannot be read: ${why}`);
}
