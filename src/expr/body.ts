/**
 * The JSON body as CEL may see it. CEL tells kinds of objects by `value.constructor`: a body with a key of that name would break every
 * access to it, so that such a body is shown as Maps. Whole numbers beyond 2^53 are shown as bigint, never rounded.
 */
import type { Message } from '../message.ts';
import { allowForBody, spend } from './budget.ts';
import { fail } from './failure.ts';

/** Deeper JSON would overflow the stack somewhere behind us. */
const depthMax = 200;
const hostileKey = 1;
const bigNumber = 2;

/** Only bodies that had to be shown otherwise than JSON.parse left them. */
const shown = new WeakMap<object, unknown>();

/** The body as JSON, safe for CEL. Fails when it is not JSON. */
export function readBody(message: Message): unknown {
  const json = parse(message);
  if (typeof json === 'number') return Number.isInteger(json) && !Number.isSafeInteger(json) ? exact(message) : json;
  if (typeof json !== 'object' || json === null) return json;
  const { found, values, characters } = inspectionOf(json);
  allowForBody(values, characters);
  if (found === 0) return json;
  let safe = shown.get(json);
  if (safe === undefined) shown.set(json, (safe = asMaps((found & bigNumber) === 0 ? json : exact(message))));
  return safe;
}

/** Text as JSON, safe for CEL. */
export function readJson(text: string): unknown {
  spend(3 + (text.length >> 5));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    fail('this text is not JSON'); // What V8 says quotes the text.
  }
  const { found, values } = inspection(json);
  spend(values >> 3);
  if (found === 0) return json;
  spend(values * 4);
  return asMaps((found & bigNumber) === 0 ? json : JSON.parse(text, bigNumbersExact));
}

function parse(message: Message): unknown {
  try {
    return message.json();
  } catch {
    fail('the body is not JSON; `raw` has its bytes'); // What V8 says quotes the body.
  }
}

function exact(message: Message): unknown {
  return JSON.parse((message.body as Buffer).toString(), bigNumbersExact);
}

function bigNumbersExact(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d{16,40}$/.test(source) ? BigInt(source) : value;
}

interface Inspection {
  /** Which of the two special things are in it. */
  readonly found: number;
  readonly values: number;
  readonly characters: number;
}

/** Several expressions look at one body after the other: the last one is not walked again. */
let lastBody: object | undefined;
let lastInspection: Inspection;

function inspectionOf(body: object): Inspection {
  if (body !== lastBody) {
    lastInspection = inspection(body);
    lastBody = body;
  }
  return lastInspection;
}

function inspection(json: unknown): Inspection {
  values = 0;
  characters = 0;
  const found = inspect(json, 0);
  return { found, values, characters };
}

let values = 0;
let characters = 0;

/** A plain walk, about 1 microsecond per KiB. */
function inspect(value: unknown, depth: number): number {
  values++;
  if (typeof value === 'string') {
    characters += value.length;
    return 0;
  }
  if (typeof value === 'number') return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER ? bigNumber : 0;
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === depthMax) fail(`the body is nested more than ${depthMax} deep`);
  let found = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) found |= inspect(value[i], depth + 1);
    return found;
  }
  for (const key in value) {
    characters += key.length;
    if (key === 'constructor') found |= hostileKey;
    found |= inspect((value as Record<string, unknown>)[key], depth + 1);
  }
  return found;
}

function asMaps(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asMaps);
  const map = new Map<string, unknown>();
  for (const key of Object.keys(value)) map.set(key, asMaps((value as Record<string, unknown>)[key]));
  return map;
}
