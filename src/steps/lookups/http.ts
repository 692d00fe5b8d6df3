import { Agent as PlainAgent, validateHeaderName, validateHeaderValue } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { isIP } from 'node:net';
import { type Clock, pause } from '../../clock.ts';
import {
  duration,
  durationRange,
  type Fields,
  group,
  type Infer,
  list,
  map,
  mapping,
  oneOf,
  secret,
  size,
  template,
  whole,
} from '../../config/fields.ts';
import { MqferryError, notConnected } from '../../errors.ts';
import { toJson } from '../../expr/index.ts';
import type { Message } from '../../message.ts';
import { evaluate } from '../map.ts';
import { assertAllowed, guardedLookup, inside } from './addresses.ts';
import { Answers } from './answers.ts';
import type { Lookup } from './lookup.ts';
import { answerOf, isWorthAnotherTry } from './reply.ts';
import { exchange } from './request.ts';
import { Turns } from './turns.ts';

const fields = {
  url: template(
    'What is asked. Scheme, host and port stand there literally; what `${{ }}` puts in is percent-encoded, so that it stays where it stands.',
    { encode: 'url', example: 'https://crm.example/customers/${{ body.customerId }}' },
  ),
  method: oneOf('How.', ['GET', 'POST'], { default: 'GET' }),
  body: mapping('With `POST`, what is sent, as JSON: an expression, or a map or list whose leaves are expressions.', { optional: true }),
  headers: map('Sent with each request. Their values are never shown.', secret('A value, the same for all messages.'), {
    default: {},
    example: { authorization: 'Bearer ${file:/run/secrets/crm}' },
  }),
  timeout: duration('For one try, from connecting to the last byte.', { default: 5000 }),
  attempts: whole('Tries, when there is no answer, or one with 408, 425, 429 or 5xx.', { default: 3, min: 1, max: 1_000_000 }),
  backoff: durationRange('The first and the longest wait between them.', { default: { fromMs: 200, toMs: 5000 } }),
  concurrency: whole('Requests at once, at most.', { default: 10, min: 1, max: 1000 }),
  maxBytes: size('Bytes of one answer, at most; a larger one has failed.', { default: 256 * 1024 }),
  allow: list(
    'Addresses that are not of the public internet and may be asked all the same: `loopback` (this machine), `private` (10/8, 192.168/16, fc00::/7 …), `linkLocal` (169.254/16, where clouds serve credentials, and fe80::/10).',
    oneOf('A kind.', inside),
    { default: [] },
  ),
  cache: group('How long an answer holds. Who asks for the same while a request is on its way shares its answer in any case.', {
    ttl: duration('For so long the same is not asked for again. `0`: always.', { default: 0, example: '5m' }),
    missingTtl: duration('The same, of the answer that there is nothing. Absent: as `ttl`.', { optional: true }),
    maxEntries: whole('Answers kept, at most; beyond it the one not used for longest goes.', { default: 10_000, min: 1, max: 1_000_000 }),
    maxBytes: size('Bytes of all answers kept, at most.', { default: 32 * 2 ** 20 }),
  }),
} satisfies Fields;

type Settings = Infer<typeof fields>;

export const httpField = group('An HTTP service. Needs no `key`: what is asked for stands in the `url`.', fields, { optional: true });

/** Throws CONFIG_INVALID. */
export function httpLookup(settings: Settings, clock: Clock): Lookup {
  const base = baseOf(settings);
  checkHeaders(settings.headers);
  if (settings.body !== undefined && settings.method !== 'POST') throw invalid('a `body` is sent with `method: POST` only');
  const http = new Http(settings, base, clock);
  return { place: `at ${base.origin}`, find: (message, signal) => http.find(message, signal) };
}

class Http {
  readonly #settings: Settings;
  readonly #base: URL;
  readonly #clock: Clock;
  readonly #answers: Answers;
  readonly #turns: Turns;
  readonly #common: Pick<Parameters<typeof exchange>[0], 'method' | 'headers' | 'timeoutMs' | 'maxBytes' | 'agent' | 'lookup'>;

  constructor(settings: Settings, base: URL, clock: Clock) {
    const { method, timeout: timeoutMs, maxBytes, concurrency, allow, cache } = settings;
    this.#settings = settings;
    this.#base = base;
    this.#clock = clock;
    this.#answers = new Answers(cache, clock);
    this.#turns = new Turns(concurrency);
    const agent = base.protocol === 'https:' ? new TlsAgent({ keepAlive: true }) : new PlainAgent({ keepAlive: true });
    const headers = {
      accept: 'application/json, text/*;q=0.5',
      'accept-encoding': 'identity',
      'user-agent': 'mqferry',
      ...(settings.body !== undefined && { 'content-type': 'application/json' }),
      ...lowerCased(settings.headers),
    };
    this.#common = { method, headers, timeoutMs, maxBytes, agent, lookup: guardedLookup(allow) };
  }

  async find(message: Message, signal: AbortSignal): Promise<unknown> {
    const url = this.#urlOf(message);
    const body = this.#settings.body === undefined ? undefined : toJson(evaluate(this.#settings.body, message));
    const key = body === undefined ? url.href : `${url.href}\n${body}`;
    return (await this.#answers.get(key, () => this.#turns.take(() => this.#ask(url, body, signal)))).value;
  }

  async #ask(url: URL, text: string | undefined, signal: AbortSignal) {
    const { attempts, backoff } = this.#settings;
    const body = text === undefined ? undefined : Buffer.from(text);
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw notConnected('the route is being stopped');
      try {
        return answerOf(await exchange({ ...this.#common, url, body }, this.#clock, signal));
      } catch (error) {
        if (attempt >= attempts || signal.aborted || !isWorthAnotherTry(error)) throw this.#told(error);
      }
      await this.#clock.sleep(pause(backoff, attempt - 1, this.#clock), signal);
    }
  }

  /** With the place, which is the config's, and without the rest of the url, which is the message's and may hold secrets. */
  #told(error: unknown): MqferryError {
    const place = `${this.#settings.method} ${this.#base.origin}`;
    if (error instanceof MqferryError) return new MqferryError(error.code, `${place}: ${error.message}`);
    const { code = 'no answer' } = error as NodeJS.ErrnoException;
    return notConnected(`${place}: ${code}`);
  }

  #urlOf(message: Message): URL {
    const text = this.#settings.url(message);
    if (text.length > longestUrl) throw new MqferryError('TOO_LARGE', `the url would have more than ${longestUrl} characters`);
    const [, path = ''] = /^[^:]+:\/\/[^/?#]*([^?#]*)/.exec(text) ?? [];
    // A URL takes these out, and the segment before with them: `/customers/../admin` is `/admin`.
    if (path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)))
      throw new MqferryError('STEP_FAILED', 'a part of the path would be `.` or `..`');
    return new URL(text);
  }
}

const longestUrl = 8192;

/** The part of the url that no message can change. */
function baseOf({ url, allow }: Settings): URL {
  const literal = url.constant ?? url.head ?? '';
  const [, origin, userInfo] = /^(https?:\/\/(?:[^/?#\\\s@]*(@))?[^/?#\\\s@]+)(?:[/?]|$)/i.exec(literal) ?? [];
  if (userInfo !== undefined) throw invalid('a login does not belong into the url: send it by `headers`');
  if (origin === undefined || (url.constant === undefined && origin.length === literal.length))
    throw invalid('the url must begin with http:// or https://, a literal host, and a /: no message may choose who is asked');
  const base = parsed(origin);
  const host = base.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) assertAllowedHere(host, allow);
  return base;
}

function parsed(origin: string): URL {
  try {
    return new URL(origin);
  } catch (error) {
    throw new MqferryError('CONFIG_INVALID', 'this is no url', { cause: error });
  }
}

function assertAllowedHere(host: string, allow: Settings['allow']): void {
  try {
    assertAllowed(host, host, allow);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw invalid(
        `the header ${JSON.stringify(name.slice(0, 60))} cannot be sent: its name or its value has a character that none may have`,
      );
    }
    if (ours.includes(name.toLowerCase())) throw invalid(`the header ${name} is mqferry's own`);
  }
}

/** What says how the exchange is done, and whom it reaches. */
const ours = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'accept-encoding',
];

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function invalid(sentence: string): MqferryError {
  return new MqferryError('CONFIG_INVALID', sentence);
}
