/** The messages of a test file as the program has them. */
import { toJson } from '../expr/index.ts';
import { type Header, Message, type MessageInit, type Origin, type Properties, propertyNames } from '../message.ts';
import { headerValue, propertyValue } from '../steps/values.ts';
import type { Given } from './fields.ts';

/** What is given of a body. */
type Body = Pick<Given, 'json' | 'text' | 'base64' | 'tombstone'>;

/** The keys of a body that are written; more than one is a contradiction. */
export function bodyKeys(body: Body): readonly (keyof Body)[] {
  const keys: (keyof Body)[] = [];
  for (const key of ['json', 'text', 'base64'] as const) if (body[key] !== undefined) keys.push(key);
  if (body.tombstone) keys.push('tombstone');
  return keys;
}

/** Throws STEP_FAILED for a value that no message can have. */
export function givenMessage(given: Given): Message {
  const { key, headers, headerList, origin, lane, fault } = given;
  const init: MessageInit = {
    ...propertiesOf(given),
    body: filled(bodyOf(given), given.size ?? 0),
    key: key === undefined ? null : Buffer.from(key),
    headers: [
      ...Object.entries(headers).map(([name, value]): Header => [name, headerValue(name, value)]),
      ...headerList.map(({ name, value }): Header => [name, headerValue(name, value)]),
    ],
    origin: origin as Origin,
    lane,
    fault: fault === undefined ? undefined : new Error(fault),
  };
  return new Message(init);
}

/** Those that are written. Throws STEP_FAILED. */
export function propertiesOf(written: Readonly<Partial<Record<keyof Properties, unknown>>>): Partial<Properties> {
  const properties: [string, unknown][] = [];
  for (const name of propertyNames) if (written[name] !== undefined) properties.push([name, propertyValue(name, written[name])]);
  return Object.fromEntries(properties) as Partial<Properties>;
}

function bodyOf({ json, text, base64, tombstone }: Body): Buffer | null {
  if (tombstone) return null;
  if (json !== undefined) return Buffer.from(toJson(json));
  return base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
}

/** Blanks: JSON stays JSON. */
function filled(body: Buffer | null, bytes: number): Buffer | null {
  return body === null || body.length >= bytes ? body : Buffer.concat([body, Buffer.alloc(bytes - body.length, ' ')]);
}
