/**
 * A whole message as JSON, and back exactly:
 *
 *     { "mqferry": 1, "body": base64 or null, "key": base64 or null,
 *       "properties": { "id": "…", "expiresAt": 1700000000000, "correlationId": ["…", code] },
 *       "headers": [["name", "value", code], …] }
 *
 * The codes are those of src/envelope/text.ts; a property has one when JSON has no such value.
 */
import { fromText, toText } from '../envelope/text.ts';
import { MqferryError } from '../errors.ts';
import { type Header, type HeaderValue, type Message, type MessageInit, type Properties, propertyNames } from '../message.ts';
import { bytesOf } from './base64-text.ts';
import { propertyValue } from './values.ts';

export function writeWhole(message: Message): Buffer {
  const { body, key, headers } = message;
  const properties: Record<string, unknown> = {};
  for (const name of propertyNames) {
    const value = message[name];
    if (value !== undefined) properties[name] = Buffer.isBuffer(value) ? toText(value) : value;
  }
  const whole = {
    mqferry: 1,
    body: body?.toString('base64') ?? null,
    key: key?.toString('base64') ?? null,
    properties,
    headers: headers.map(([name, value]) => [name, ...toText(value)]),
  };
  return Buffer.from(JSON.stringify(whole));
}

/** All that the message is made of, so that nothing of what it came in is left. Throws DECODE_FAILED. */
export function readWhole(body: Buffer | null): Partial<MessageInit> {
  const whole = parse(body);
  if (whole['mqferry'] !== 1) throw broken('it is not version 1');
  const headers = whole['headers'];
  if (!Array.isArray(headers)) throw broken('its headers are no list');
  return {
    ...readProperties(whole['properties']),
    body: whole['body'] === null ? null : (bytesOf(whole['body']) ?? bad('its body is not base64')),
    key: whole['key'] === null ? null : (bytesOf(whole['key']) ?? bad('its key is not base64')),
    headers: headers.map(readHeader),
  };
}

/** Neither headers nor properties: what a broker without them can carry. */
export const bare: Partial<MessageInit> = { key: null, headers: [], ...Object.fromEntries(propertyNames.map((name) => [name, undefined])) };

function parse(body: Buffer | null): Record<string, unknown> {
  try {
    const whole: unknown = JSON.parse(body?.toString() ?? '');
    if (isMap(whole)) return whole;
  } catch {
    // Said below, without what V8 says: it quotes the body.
  }
  throw broken('it is no JSON map');
}

function readProperties(given: unknown): Partial<MessageInit> {
  if (!isMap(given)) throw broken('its properties are no map');
  const properties: { -readonly [K in keyof Properties]?: Properties[K] } = {};
  for (const [name, value] of Object.entries(given)) {
    const known = propertyNames.find((property) => property === name) ?? bad('it has a property that is not known');
    const plain = Array.isArray(value) ? fromText(value[0] as HeaderValue, String(value[1])) : value;
    try {
      properties[known] = propertyValue(known, plain) as never;
    } catch (error) {
      throw broken((error as Error).message);
    }
  }
  return { ...bare, ...properties };
}

function readHeader(given: unknown): Header {
  const [name, text, code] = Array.isArray(given) ? (given as unknown[]) : [];
  const value = typeof text === 'string' && typeof code === 'string' ? fromText(text, code) : undefined;
  return typeof name === 'string' && value !== undefined ? [name, value] : bad('one of its headers is broken');
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function broken(sentence: string): MqferryError {
  return new MqferryError('DECODE_FAILED', `the body is not an envelope: ${sentence}`);
}

function bad(sentence: string): never {
  throw broken(sentence);
}
